#!/bin/sh
# Run once by PostgreSQL's image, on an empty data directory: the roles of design 13, and the database of the migrator.
set -eu
psql -v ON_ERROR_STOP=1 -q -U "$POSTGRES_USER" -d postgres \
  -v migrator="$(cat /secrets/migrator)" -v trade="$(cat /secrets/trade)" -v relay="$(cat /secrets/relay)" <<'SQL'
create role tradesense_migrator login password :'migrator';
create role tradesense_trade login password :'trade';
create role tradesense_relay login password :'relay';
create database tradesense owner tradesense_migrator;
SQL
