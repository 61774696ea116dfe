"""Search attributes of a lead workflow: name -> Temporal type name. One list for server, tests and doctor."""

ATTRIBUTES: dict[str, str] = {
    "LeadStage": "Keyword",
    "LeadType": "Keyword",
    "LeadOwner": "Keyword",
    "LeadSource": "Keyword",
    "NextTouchAt": "Datetime",
    "SlaBreached": "Bool",
    "PlanVersion": "Keyword",
}
