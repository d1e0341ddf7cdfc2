        */.aws/config | */.netrc | */.pypirc | */.git-credentials | */.docker/config.json) return 0 ;;
        */.config/gcloud/*credentials*.json | */.gnupg/private-keys-v1.d/*) return 0 ;;
        */.config/gh/hosts.yml | */.vault-token | */.terraform.d/credentials.tfrc.json) return 0 ;;
