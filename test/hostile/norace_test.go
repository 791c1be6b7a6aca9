//go:build !race

package hostile

// A large answer goes to every method of the default client, and to every fourth
// of the load balancer: other ones for each answer.
const everyDefault, everyBalanced = 1, 4
