-- rewrite: functions that the users file calls by name, or whose results it takes as values.

local gnu = require("lib.gnu")

-- The value that is computed at users:35:20.
rewrite("users_line_35", function(req)
  return gnu.div(600, req:int("NAS-Port") or 0) % 2^32
end)
