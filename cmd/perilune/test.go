package main

func runTest(args []string, s streams) int { return exitFailed }
