#!/bin/sh
# Creates the namespace with 30 days of retention and our search attributes. Safe to run again.
# The list is workflows/attributes.py; a test compares them.
set -eu

until temporal operator cluster health >/dev/null 2>&1; do sleep 1; done
temporal operator namespace describe >/dev/null 2>&1 || temporal operator namespace create --retention 720h
temporal operator namespace update --retention 720h

# a new namespace is known to every part of the server only after some seconds
until temporal operator search-attribute list >/dev/null 2>&1; do sleep 1; done

attribute() {
    temporal operator search-attribute list | grep -qw "$1" ||
        temporal operator search-attribute create --name "$1" --type "$2"
}

attribute LeadStage Keyword
attribute LeadType Keyword
attribute LeadOwner Keyword
attribute LeadSource Keyword
attribute NextTouchAt Datetime
attribute SlaBreached Bool
attribute PlanVersion Keyword
