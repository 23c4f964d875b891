package main

import (
	"flag"
	"time"
)

var (
	endureFor = flag.Duration("endure", 6*time.Second, "how long TestEndurance holds the load")
	floodFor  = flag.Duration("flood", 6*time.Second, "how long TestFlood floods, all its parts together")
)
