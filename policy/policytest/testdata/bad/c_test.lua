test.users [[
bob Pasword = "x"
]]
