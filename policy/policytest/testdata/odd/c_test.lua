test.setup(function() error("in the setup") end)
test.case("never reached", function() end)
