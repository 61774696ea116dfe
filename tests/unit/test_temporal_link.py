"""What is to be done where a namespace has not the search attributes that leads need."""

from speedlead.temporal_link import mending


def test_an_attribute_of_another_type_is_taken_away_before_it_is_made() -> None:
    missing, other = ("LeadStage", False), ("SlaBreached", True)
    both = mending(dict([missing, other]), "crm")
    removal, _, creation = both.partition(" && ")
    assert removal == "temporal operator search-attribute remove --namespace crm --name SlaBreached"
    assert creation.startswith("temporal operator search-attribute create --namespace crm --name LeadStage --type ")
    assert "--name SlaBreached --type Bool" in creation
    assert "remove" not in mending(dict([missing]), "crm")
