// Command withkafka runs a command beside an Apache Kafka of its own and ends Kafka with it:
//
//	go run ./testenv/withkafka -- go test ./...
//
// The command finds the broker's address in TIDEGAUGE_TEST_KAFKA. So one Kafka serves all test binaries of a run. Where
// Kafka cannot be started for want of Java or jars, the command runs without it, and the tests say what is missing.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"tidegauge/testenv"
)

func main() {
	arguments := os.Args[1:]
	if len(arguments) > 0 && arguments[0] == "--" {
		arguments = arguments[1:]
	}
	if len(arguments) == 0 {
		fmt.Fprintln(os.Stderr, "usage: withkafka -- COMMAND [ARGUMENT...]")
		os.Exit(2)
	}
	status, err := run(arguments)
	if err != nil {
		fmt.Fprintln(os.Stderr, "withkafka:", err)
		os.Exit(1)
	}
	os.Exit(status)
}

func run(arguments []string) (status int, err error) {
	// A terminal's Ctrl-C reaches the command as well; Kafka ends after it.
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt, syscall.SIGTERM)

	cmd := exec.Command(arguments[0], arguments[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if os.Getenv(testenv.KafkaVariable) == "" {
		cluster, err := testenv.StartKafka(1)
		switch {
		case err == nil:
			defer cluster.Stop()
			cmd.Env = append(os.Environ(), testenv.KafkaVariable+"="+cluster.Addrs()[0])
		case errors.Is(err, testenv.ErrKafkaMissing):
			fmt.Fprintln(os.Stderr, "withkafka:", err)
		default:
			return 0, err
		}
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	go func() {
		for s := range interrupts {
			if s == syscall.SIGTERM {
				_ = cmd.Process.Signal(s)
			}
		}
	}()
	err = cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return max(1, exit.ExitCode()), nil
	}
	return 0, err
}
