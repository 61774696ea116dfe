#!/bin/sh
# Makes deploy/secrets: passwords of the databases at random, and an empty file for each secret that a provider gives.
# Safe to run again: what is there stays. The folder keeps others out; the files must be legible to the containers' users.
set -eu
cd "$(dirname "$0")"

umask 077
mkdir -p secrets
cd secrets

for name in postgres_password speedlead_db_password temporal_db_password; do
    # letters and digits: Temporal's configuration is made from a text template
    test -s "$name" || od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$name"
done
for name in twilio_auth_token sendgrid_api_key twilio_auth_token_other twilio_api_key_secret temporal_api_key \
    twilio_webhook_shared_key payload_keys oidc_client_secret slack_webhook_url teams_webhook_url vapid_private_key \
    company_source_secret calcom_webhook_secret calendly_webhook_key assistant_key; do
    test -e "$name" || : >"$name"
done
chmod 0644 ./*

for name in twilio_auth_token sendgrid_api_key; do
    test -s "$name" || echo "still empty: deploy/secrets/$name"
done
