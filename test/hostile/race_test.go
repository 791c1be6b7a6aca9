//go:build race

package hostile

// Under the race detector, which makes decoding ten times slower, a large answer is
// sent to every eighth method of the default client, and to every 24th of the load
// balancer, starting at another method for each answer.
const everyDefault, everyBalanced = 8, 24
