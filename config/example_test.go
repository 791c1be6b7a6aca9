package config_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/pinfleet/pinfleet/config"
)

// A Config can be logged, because printing it masks its secrets.
func Example() {
	cfg := &config.Config{URL: "https://cluster.example/api", Username: "me", Password: "hunter2"}
	fmt.Printf("%+v\n", cfg)
	// Output:
	// config.Config{"url":"https://cluster.example/api","username":"me","password":"***"}
}

// Validate reports all mistakes at once.
func ExampleConfig_Validate() {
	cfg := &config.Config{Host: "cluster.example", Port: "http", Username: "me"}
	fmt.Println(cfg.Validate())
	// Output:
	// config: in Host and Port: port "http" is not a number from 1 to 65535
	// config: one of Username and Password is empty: the server accepts neither without the other
}

// A template has the settings that all peers share.
func ExampleParseAddrs() {
	template := &config.Config{Username: "me", Password: "hunter2", IdleTimeout: time.Minute}
	cfgs, err := config.ParseAddrs("/dns4/a.example/tcp/9094/https,https://b.example/cluster", template)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, cfg := range cfgs {
		fmt.Println(cfg)
	}
	_, err = config.ParseAddrs("/ip4/10.0.0.1,ftp://b.example")
	fmt.Println(err)
	// Output:
	// config.Config{"api_addr":"/dns4/a.example/tcp/9094/https","username":"me","password":"***","idle_timeout":"1m0s"}
	// config.Config{"url":"https://b.example/cluster","username":"me","password":"***","idle_timeout":"1m0s"}
	// config: element 1 of the address list: address /ip4/10.0.0.1: the port is missing: add /tcp/9094
	// config: element 2 of the address list: URL must begin with http:// or https://
}

func ExampleFromEnv() {
	environment := map[string]string{
		"PINFLEET_API":          "/dns4/a.example/tcp/9094/https,https://b.example/cluster",
		"PINFLEET_TOKEN":        "eyJhbGciOiJIUzI1NiJ9",
		"PINFLEET_IDLE_TIMEOUT": "30s",
	}
	cfgs, err := config.FromEnv(func(name string) (string, bool) { // in a program: os.LookupEnv
		value, ok := environment[name]
		return value, ok
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, cfg := range cfgs {
		addr, err := cfg.Address()
		fmt.Println(addr, addr.URL(), cfg.IdleTimeout, err)
	}
	// Output:
	// /dns4/a.example/tcp/9094/https https://a.example:9094 30s <nil>
	// https://b.example/cluster https://b.example/cluster 30s <nil>
}

func ExampleLoad() {
	_, err := config.Load(strings.NewReader(`{"api_addr": "/ip4/127.0.0.1/tcp/9094", "timeout_": "10s"}`))
	fmt.Println(err)
	cfg, err := config.Load(strings.NewReader(`{"api_addr": "/ip4/127.0.0.1/tcp/9094", "timeout": "10s"}`))
	fmt.Println(cfg, err)
	// Output:
	// config: the key "timeout_" is not known: keys are the names of Config's fields in snake_case
	// config.Config{"api_addr":"/ip4/127.0.0.1/tcp/9094","timeout":"10s"} <nil>
}
