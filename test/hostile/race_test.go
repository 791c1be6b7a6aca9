//go:build race

package hostile

// Under the race detector, which makes decoding ten times slower, a large answer
// goes to every fourth method of the default client, and to every twelfth of the
// load balancer: other ones for each answer.
const everyDefault, everyBalanced = 4, 12
