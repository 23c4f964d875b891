-- rewrite: functions that the users file calls by name, or whose results it takes as values.
-- Converted from control.rw, lines 2 to 107.

local gnu = require("lib.gnu")

local even -- they call each other

-- Statements in all their forms.
rewrite("loops", function(req)
  local i = 0
  local r = ""
  while true do
    i = i + 1
    if i == 2 then
      goto continue  -- not the second
    end
    if i > 5 then
      break
    end
    r = r .. i
    ::continue::
  end
  repeat
    r = r .. "x"
    i = i - 3
  until i <= 0
  return r
end)

rewrite("nested", function(req, a)
  local n = 0
  while a > 0 do
    do
      local b = a
      repeat
        b = b - 1
        if gnu.mod(b, 2) ~= 0 then
          goto continue2
        end
        n = n + b
        ::continue2::
      until b <= 0
      a = a - 1
      if n > 100 then
        goto continue
      end
      n = n + 1
    end
    ::continue::
  end
  return n
end)

rewrite("chain", function(req, a)
  local r = 0
  if a == 1 then
    r = 10
  elseif a == 2 then
    r = 20
  elseif a ~= 3 then
    -- all others
    r = 30
  else
    r = 40
  end
  return r
end)

rewrite("assigns", function(req, a)
  local c = a + 1
  local b = c
  if a ~= 0 then
    b = a * 2
    if b > 4 then
      c = b
    end
  end
  while true do
    c = c - 1
    if c <= 10 then
      break
    end
    b = b + c
  end
  local ok = a > 5
  if not ok then
    b = 7
    ok = b ~= 0
  end
  if ok then
    local value = b
    b = 3
    return value + b + c
  end
  if a ~= 0 then
    c = 9
  end
  return b + c
end)

rewrite("shadow", function(req, i)
  if i > 0 then
    local i2 = 5
    local end2 = i2 + 1
    local type_ = end2 * 2
    return type_
  end
  return i
end)

local function odd(n)
  if n == 0 then
    return 0
  end
  return even(n - 1)
end

function even(n)
  if n == 0 then
    return 1
  end
  return odd(n - 1)
end

rewrite("end_", function(req)
  return even(10) ~= 0 and odd(4) == 0 and 1 or 0
end)

rewrite("missing", function(req, a)
  if a ~= 0 then
    return "yes"
  end
  return ""
end)

rewrite("nothing", function(req)
  return 0
end)

--? To look at: control.rw:96:9: end is called end_ now: the old name is none in Lua, or means something else there
