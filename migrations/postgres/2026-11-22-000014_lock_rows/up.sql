-- The second lock: row-level security, forced on every table with a workspace_id, and on workspaces itself.
--
-- A transaction says which workspace it serves, and then sees and changes the rows of that one alone. What must be
-- asked before a workspace is known has a narrow opening of its own, which only reads, and which closes when a
-- workspace opens. The settings hold until the transaction ends:
--
--   regimen.workspace   the workspace that is served
--   regimen.account     the caller's own memberships, and the workspaces of those
--   regimen.credential  the token, invitation or link with this hash, and the workspace of the invitation
--   regimen.slug        the workspace with this slug
--   regimen.scope       'system': what the clock's pass looks at in all workspaces
--
-- Where a table has no opening, a transaction that has opened no workspace gets an error, not an empty answer.
--
-- `regimen migrate` calls this again after later migrations, so that the tables that they make are locked too.
CREATE FUNCTION regimen_lock_rows() RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
    tenant record;
    served CONSTANT text := $$(SELECT NULLIF(current_setting('regimen.workspace', true), '')::uuid)$$;
    strictly CONSTANT text := $$(SELECT current_setting('regimen.workspace')::uuid)$$;
    credential CONSTANT text := $$decode(NULLIF(current_setting('regimen.credential', true), ''), 'hex')$$;
    account CONSTANT text := $$(SELECT NULLIF(current_setting('regimen.account', true), '')::uuid)$$;
    opening record;
BEGIN
    FOR tenant IN
        SELECT c.oid::regclass AS name, c.relname::text AS plain
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND (
            c.relname = 'workspaces'
            OR EXISTS (
                SELECT FROM pg_attribute a
                WHERE a.attrelid = c.oid AND a.attname = 'workspace_id' AND NOT a.attisdropped
            )
        )
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', tenant.name);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', tenant.name);
        EXECUTE format('DROP POLICY IF EXISTS a_served ON %s', tenant.name);
        IF tenant.plain = 'workspaces' THEN
            EXECUTE format('CREATE POLICY a_served ON %s USING (id = %s)', tenant.name, served);
        ELSIF tenant.plain IN ('members', 'tokens', 'invitations', 'links', 'announcements', 'kpi_states') THEN
            EXECUTE format('CREATE POLICY a_served ON %s USING (workspace_id = %s)', tenant.name, served);
        ELSE
            EXECUTE format('CREATE POLICY a_served ON %s USING (workspace_id = %s)', tenant.name, strictly);
        END IF;
    END LOOP;
    FOR opening IN
        SELECT * FROM (VALUES
            ('members', 'b_account', format('account_id = %s AND %s IS NULL', account, served)),
            ('workspaces', 'b_account', format(
                'EXISTS (SELECT FROM members own WHERE own.workspace_id = workspaces.id AND own.account_id = %s)', account
            )),
            ('tokens', 'b_credential', format('hash = (SELECT %s) AND %s IS NULL', credential, served)),
            ('invitations', 'b_credential', format('token_hash = (SELECT %s) AND %s IS NULL', credential, served)),
            ('links', 'b_credential', format('hash = (SELECT %s) AND %s IS NULL', credential, served)),
            ('workspaces', 'c_credential', format(
                'EXISTS (SELECT FROM invitations one WHERE one.workspace_id = workspaces.id AND one.token_hash = (SELECT %s))',
                credential
            )),
            ('workspaces', 'd_slug', $$slug = (SELECT NULLIF(current_setting('regimen.slug', true), ''))$$),
            ('workspaces', 'e_system', $$(SELECT current_setting('regimen.scope', true)) = 'system'$$),
            ('announcements', 'e_system', $$(SELECT current_setting('regimen.scope', true)) = 'system'$$),
            ('kpi_states', 'e_system', $$(SELECT current_setting('regimen.scope', true)) = 'system'$$),
            ('tokens', 'e_system', $$(SELECT current_setting('regimen.scope', true)) = 'system'$$)
        ) AS openings (of_table, named, condition)
    LOOP
        EXECUTE format('DROP POLICY IF EXISTS %I ON %I', opening.named, opening.of_table);
        EXECUTE format(
            'CREATE POLICY %I ON %I FOR SELECT USING (%s)', opening.named, opening.of_table, opening.condition
        );
    END LOOP;
END
$body$;

-- Lets the owner alone past the lock, while migrations change what is stored in all workspaces.
CREATE FUNCTION regimen_unlock_rows() RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
    tenant regclass;
BEGIN
    FOR tenant IN
        SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND c.relforcerowsecurity
    LOOP
        EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', tenant);
    END LOOP;
END
$body$;

REVOKE EXECUTE ON FUNCTION regimen_lock_rows(), regimen_unlock_rows() FROM PUBLIC;
SELECT regimen_lock_rows();
