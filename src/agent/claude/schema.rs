//! The report's JSON schema, as the command line enforces it.

/// What `agent::report` then checks again, with the lengths.
pub(super) const REPORT: &str = r#"{
"type":"object","additionalProperties":false,"required":["outcome"],
"properties":{
 "outcome":{"enum":["improvement","nothing_material","blocked"]},
 "finding":{"type":"object","additionalProperties":false,
  "required":["title","detail","severity","target","control"],
  "properties":{
   "title":{"type":"string","maxLength":120},
   "detail":{"type":"string","maxLength":2000},
   "severity":{"enum":["P0","P1","P2"]},
   "target":{"type":"string","maxLength":120,"description":"what the control is applied to, such as a file or a service"},
   "control":{"type":"string","maxLength":120,"description":"the name of the control, such as deny-read-by-any-program"}}},
 "change":{"type":"string","maxLength":2000,"description":"what was changed and why"},
 "probes":{"type":"array","maxItems":8,"items":{"type":"object","additionalProperties":false,
  "required":["name","run","expect"],
  "properties":{
   "name":{"type":"string","maxLength":120},
   "run":{"description":"an argument vector, or a POSIX shell script","anyOf":[
     {"type":"array","items":{"type":"string"},"minItems":1},{"type":"string"}]},
   "expect":{"type":"object","additionalProperties":false,"properties":{
     "exit":{"type":"integer","minimum":0,"maximum":125},
     "stdout":{"type":"string","maxLength":2000}}},
   "red":{"type":"object","additionalProperties":false,"description":"what it gives while the hole is open","properties":{
     "exit":{"type":"integer","minimum":0,"maximum":125},
     "stdout":{"type":"string","maxLength":2000}}}}}},
 "verification":{"type":"string","maxLength":2000},
 "blocked_on":{"type":"string","maxLength":2000,"description":"the question for a person"},
 "observations":{"type":"array","maxItems":5,"items":{"type":"string","maxLength":300},"description":"what later iterations should know of this workstation, each in one line"}}}"#;

#[cfg(test)]
mod tests {
    use super::REPORT;

    #[test]
    fn is_json_and_names_every_field_of_a_report() {
        let schema: serde_json::Value = serde_json::from_str(REPORT).unwrap();
        let report = crate::turn::Report {
            outcome: crate::turn::ReportOutcome::Blocked,
            finding: None,
            change: String::new(),
            probes: Vec::new(),
            verification: String::new(),
            blocked_on: None,
            observations: Vec::new(),
        };
        let report = serde_json::to_value(report).unwrap();
        for name in report.as_object().unwrap().keys() {
            assert!(schema["properties"][name].is_object(), "{name}");
        }
    }
}
