//go:build !race

package hostile

// A large answer is sent to every fourth method of the default client, and to every
// twelfth of the load balancer, starting at another method for each answer.
const everyDefault, everyBalanced = 4, 12
