DO $body$
DECLARE
    locked record;
BEGIN
    FOR locked IN
        SELECT tablename, policyname FROM pg_policies WHERE schemaname = current_schema()
    LOOP
        EXECUTE format('DROP POLICY %I ON %I', locked.policyname, locked.tablename);
    END LOOP;
    FOR locked IN
        SELECT c.oid::regclass AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND c.relrowsecurity
    LOOP
        EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', locked.name);
        EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', locked.name);
    END LOOP;
END
$body$;
DROP FUNCTION regimen_unlock_rows();
DROP FUNCTION regimen_lock_rows();
