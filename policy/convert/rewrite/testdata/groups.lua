-- rewrite: functions that the users file calls by name, or whose results it takes as values.
-- Converted from groups.rw, lines 1 to 102.

local gnu = require("lib.gnu")

local cisco_pid_re = re.posix(".*([0-9][0-9]*):[A-Z0-9][A-Z0-9]*:([0-9][0-9]*)")

local function cisco_pid(A)
  local _, m2 = cisco_pid_re:match(A)
  if m2 then
    return gnu.toint(m2)
  end
  return -1
end

local cisco_sid_re = re.posix("(.[^/]*)/[^/]*/([^/]*)/.*")

local function cisco_sid(req, S)
  local m1, m2 = cisco_sid_re:match(S)
  if m1 then
    req:set("Filter-Id", m2, 1)
    return m1
  end
  return S
end

rewrite("cisco_fixup", function(req)
  local pid = cisco_pid(req["NAS-Identifier"] or "")
  if pid ~= -1 then
    if req:has("NAS-Port") then
      req["Port-Limit"] = req:int("NAS-Port") or 0
    end
    req["NAS-Port"] = pid % 2^32
  end
  if req:has("Acct-Session-Id") then
    req["Acct-Session-Id"] = cisco_sid(req, req["Acct-Session-Id"] or "")
  end
  return 0
end)

local basename_re = re.posix(".*/(.*)\\..*")

rewrite("basename", function(req, arg)
  local m1 = basename_re:match(arg)
  if m1 then
    return m1
  else
    return arg
  end
end)

rewrite("realm", function(req, s)
  local m1, m2 = s:match("^([^@]*)@(.*)$")
  if not m1 then
    return "none"
  end
  return m2 .. " of " .. m1
end)

local either_re = re.posix("^(a+)x")
local either_re2 = re.posix("^(b+)x")

rewrite("either", function(req, s)
  local m1
  m1 = either_re:match(s)
  local ok = m1
  if not ok then
    m1 = either_re2:match(s)
    ok = m1
  end
  if ok then
    return m1 or ""
  end
  return ""
end)

local loose_re = re.posix("^([a-z]+)?([0-9]+)")

rewrite("loose", function(req, s)
  local m1, m2 = loose_re:match(s)
  return (m1 or "") .. "-" .. (m2 or "")
end)

rewrite("walk", function(req, s)
  local out = ""
  while true do
    local m1, m2 = s:match("^([^,]+),?(.*)$")
    if not m1 then
      break
    end
    out = out .. "<" .. m1 .. ">"
    s = m2
  end
  return out
end)

rewrite("last", function(req, s)
  local m1, m2
  local n = 0
  repeat
    n = n + 1
    m1, m2 = s:match("^([a-z]*),(.*)$")
    if n == 1 then
      goto continue
    end
    s = m2 or ""
    ::continue::
  until not (n < 5 and (m2 or ""):find(",", 1, true))
  return s
end)

local tests_re = re.posix("(?i)abc")
local tests_re2 = re.posix("(?i)x*y")

rewrite("tests", function(req, s)
  return (tests_re:test(s) and 1 or 0) + (not tests_re2:test(s) and 1 or 0)
end)

local plain_re = re.posix("a{2,3}")

rewrite("plain", function(req, s)
  if s:sub(1, 3) == "pre" then
    return 1
  end
  if s:sub(-3) == "fix" then
    return 2
  end
  if s == "whole" then
    return 3
  end
  if s:find("a-b", 1, true) then
    return 4
  end
  if not s:find("%d$") then
    return 5
  end
  if plain_re:test(s) then
    return 6
  end
  if s:find("1.1") then
    return 7
  end
  return 0
end)

--? Different on purpose: groups.rw:34:16: ".*/\(.*\)\..*": a backslash before a sign makes it stand for itself, as the manual says; the old server dropped it
