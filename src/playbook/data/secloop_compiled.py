"""Lets Ansible's modules start sooner, by the interpreter's own cache of compiled files.

Each run of a module takes the parts of ansible.module_utils that it needs from an archive and
compiles them anew. Where such a part is byte for byte the one that is installed here, it is loaded
from there, compiled. Any other (a role's own, or one that replaces Ansible's) stays what it is.
"""

import importlib.util
import os
import sys
from importlib.machinery import SourceFileLoader
from zipimport import ZipImportError, zipimporter

PREFIX = "ansible.module_utils."
INSTALLED = os.path.join(os.path.dirname(__file__), "ansible", "module_utils")


class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if not name.startswith(PREFIX) or not path:
            return None
        # Not by the archive's own specification: making one compiles the part.
        *packages, last = name[len(PREFIX):].split(".")
        try:
            archive = sys.path_importer_cache.get(path[0]) or zipimporter(path[0])
            if not isinstance(archive, zipimporter):
                return None
            is_package = archive.is_package(name)
            inside = os.path.join(last, "__init__.py") if is_package else last + ".py"
            brought = archive.get_data(os.path.join(archive.archive, archive.prefix, inside))
            file = os.path.join(INSTALLED, *packages, inside)
            with open(file, "rb") as installed:
                if installed.read() != brought:
                    return None
        except (OSError, ZipImportError):
            return None
        # What is below a package is looked for in the archive, as before.
        below = [os.path.join(path[0], last)] if is_package else None
        return importlib.util.spec_from_file_location(
            name, file, loader=SourceFileLoader(name, file), submodule_search_locations=below
        )


sys.meta_path.insert(0, Finder)
