#!/bin/sh
# Runs once, when the volume is new: an account of its own for each product, none of them a superuser.
set -eu

psql --set ON_ERROR_STOP=1 --username postgres \
    --set speedlead_password="${SPEEDLEAD_DB_PASSWORD}" --set temporal_password="${TEMPORAL_DB_PASSWORD}" <<'SQL'
create role speedlead login password :'speedlead_password';
create database speedlead owner speedlead;
-- creates its two databases itself
create role temporal login createdb password :'temporal_password';
SQL
