-- What GNU Radius's Rewrite language does otherwise than Lua, for functions that came from it. Places in strings
-- are counted from 0 there; numbers have 32 bits.

local gnu = {}

-- a / b without the fraction: -7 / 2 is -3.
function gnu.div(a, b)
  if b == 0 then
    error("division by zero", 2)
  end
  local n = a / b
  return n < 0 and math.ceil(n) or math.floor(n)
end

return gnu
