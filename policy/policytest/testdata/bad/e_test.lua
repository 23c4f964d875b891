test.case("not run, since the file is wrong", function() error("no") end)
test.users [[ann Cleartext-Password := "x"]]
test.users [[bob Cleartext-Password := "x"]]
