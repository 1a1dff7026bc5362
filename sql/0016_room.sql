-- Nearly every order gets a second and a third entry in its primary key, with updates that do not stay on its page.
-- Pages that are full of first entries have no room for them: whoever comes next has to clear one out, row by row.
ALTER INDEX orders_pkey SET (fillfactor = 50);
ALTER INDEX orders_unfinished SET (fillfactor = 60);
