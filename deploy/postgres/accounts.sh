#!/bin/sh
# Runs once, when the volume is new: an account of its own for each product, none of them a superuser.
set -eu

secret() { cat "/run/secrets/$1"; }

psql --set ON_ERROR_STOP=1 --username postgres \
    --set speedlead_password="$(secret speedlead_db_password)" --set temporal_password="$(secret temporal_db_password)" <<'SQL'
create role speedlead login password :'speedlead_password';
create database speedlead owner speedlead;
-- creates its two databases itself
create role temporal login createdb password :'temporal_password';
SQL
