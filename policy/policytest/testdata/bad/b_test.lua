local x = undefined_name
