test.case("never registered", function() end)
while true do end
