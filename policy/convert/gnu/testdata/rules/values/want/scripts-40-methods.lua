-- Checks of passwords that the old server left to others. Each refuses everybody until you write it.

-- Auth-Type = PAM: this server does not ask PAM. System users have Auth-Type = System.
auth_type("pam-check", function()
  return reject{reason = "pam", message = "\r\nAccess denied\r\n"}
end)

-- Auth-Type = SQL: ask the database for the password. config.toml names it, [backend.sql.radius]; open it at the top of
-- the file, local db = sql.open("radius"), and return req:check_password(row.password) and accept{} or
-- reject{reason = "password"}.
auth_type("sql-check", function()
  return reject{reason = "sql", message = "\r\nAccess denied\r\n"}
end)
