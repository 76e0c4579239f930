"""What every room stands on: clock, database, ids, errors, actor, transaction, migrations. Knows no other room."""
