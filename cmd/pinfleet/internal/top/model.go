package top

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/pinfleet/pinfleet/api"
)

// Options say what is shown, and how often it is measured.
type Options struct {
	// Title is the first line of the screen.
	Title string
	// Interval is the time between two samples, and PinsInterval that between two lists
	// of all pins.
	Interval, PinsInterval time.Duration
}

// Run shows the cluster in the terminal of out until the user types q or ctx ends. env
// is the environment, which says what the terminal can do.
func Run(ctx context.Context, s *Sampler, opts Options, in io.Reader, out io.Writer, env []string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := newModel(opts, s.Now())
	m.sample = func() tea.Msg { return s.Sample(ctx) }
	m.count = func() tea.Msg { return s.Pins(ctx) }
	_, err := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(out), tea.WithEnvironment(env), tea.WithoutSignalHandler()).Run()
	if ctx.Err() != nil && errors.Is(err, tea.ErrProgramKilled) {
		return context.Cause(ctx)
	}
	return err
}

// model is the state of the screen.
type model struct {
	opts          Options
	sample, count tea.Cmd // measure once
	width, height int

	at        time.Time  // of the newest sample
	endpoints []Endpoint // of the newest sample
	// latencies are those of the last samples by endpoint, newest last.
	latencies map[string][]time.Duration
	events    []Event // newest last
	pins      *Pins   // nil before they were counted
	failed    int     // number of failed pins of the last complete count
}

func newModel(opts Options, now time.Time) *model {
	return &model{opts: opts, width: 80, height: 24, at: now, latencies: map[string][]time.Duration{}}
}

// sampleDue and pinsDue are the messages that ask for the next measurement.
type (
	sampleDue struct{}
	pinsDue   struct{}
)

// Init implements tea.Model.
func (m *model) Init() tea.Cmd { return tea.Batch(m.sample, m.count) }

// Update implements tea.Model.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		switch msg.String() {
		case "q", "esc":
			return m, tea.Quit
		case "ctrl+c":
			return m, tea.Interrupt
		}
	case Sample:
		m.show(msg)
		return m, after(m.opts.Interval, sampleDue{})
	case sampleDue:
		return m, m.sample
	case Pins:
		m.showPins(msg)
		// At most a tenth of the time is spent on the lists.
		return m, after(max(m.opts.PinsInterval, 9*msg.Took), pinsDue{})
	case pinsDue:
		return m, m.count
	}
	return m, nil
}

func after(d time.Duration, msg tea.Msg) tea.Cmd {
	return tea.Tick(d, func(time.Time) tea.Msg { return msg })
}

// show adds a sample.
func (m *model) show(s Sample) {
	m.at, m.endpoints = s.At, s.Endpoints
	latencies := map[string][]time.Duration{} // without endpoints that are gone
	for _, e := range s.Endpoints {
		all := append(m.latencies[e.Name], e.Latency)
		latencies[e.Name] = all[max(0, len(all)-history):]
	}
	m.latencies = latencies
	m.note(s.Events...)
}

// showPins adds a count of the pins, and an event if pins have failed since the last one.
func (m *model) showPins(p Pins) {
	if p.Err != nil {
		m.note(Event{At: p.At, Bad: true, Text: "the pins cannot be listed: " + reason(p.Err)})
		if m.pins != nil {
			return // the last complete count stays
		}
	} else {
		if n := p.Counts[api.ClusterStatusFailed] - m.failed; n > 0 && m.pins != nil {
			m.note(Event{At: p.At, Bad: true, Text: fmt.Sprintf("pins that have failed: %d more", n)})
		}
		m.failed = p.Counts[api.ClusterStatusFailed]
	}
	m.pins = &p
}

func (m *model) note(events ...Event) {
	m.events = append(m.events, events...)
	m.events = m.events[max(0, len(m.events)-maxEvents):]
}
