"use strict";
// Fetches the snapshot every second and shows it. Texts may come from untrusted
// peers, so they become text nodes; nothing is parsed as HTML.
(() => {
	const period = 1000, patience = 5000; // milliseconds
	const seconds = 60, width = 300, height = 40; // of a sparkline
	const $ = (id) => document.getElementById(id);

	// Setters that write only changes, so that the user's selection is kept.
	const setText = (node, text) => { if (node.textContent !== text) node.textContent = text; };
	const setAttr = (node, name, value) => { if (node.getAttribute(name) !== value) node.setAttribute(name, value); };

	const make = (tag, className, text) => {
		const node = document.createElement(tag);
		if (className) node.className = className;
		if (text) node.textContent = text;
		return node;
	};
	// resize adds or removes children until parent has n of them.
	const resize = (parent, n, create) => {
		while (parent.children.length > n) parent.lastElementChild.remove();
		while (parent.children.length < n) parent.append(create());
		return parent.children;
	};

	const number = new Intl.NumberFormat("en");
	const percent = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });
	const duration = (ns) => {
		const ms = ns / 1e6;
		if (ms < 1) return (ms * 1000).toFixed(0) + " µs";
		if (ms < 10) return ms.toFixed(1) + " ms";
		if (ms < 1000) return ms.toFixed(0) + " ms";
		if (ms < 60000) return (ms / 1000).toFixed(1) + " s";
		if (ms < 3600000) return Math.floor(ms / 60000) + " min " + Math.floor(ms / 1000) % 60 + " s";
		const hours = Math.floor(ms / 3600000);
		return hours < 48 ? hours + " h " + Math.floor(ms / 60000) % 60 + " min" : Math.floor(hours / 24) + " days";
	};
	const between = (from, to) => duration(Math.max(0, Date.parse(to) - Date.parse(from)) * 1e6);
	// isTime returns whether at is set. Go's zero time means that it is not.
	const isTime = (at) => Boolean(at) && !at.startsWith("0001-");
	const clock = (at) => new Date(at).toLocaleTimeString([], { hour12: false });
	const plural = (n, word) => number.format(n) + " " + word + (n === 1 ? "" : "s");

	const svg = (parent, name, className) => {
		const node = document.createElementNS("http://www.w3.org/2000/svg", name);
		node.setAttribute("class", className);
		parent.append(node);
		return node;
	};
	// draw draws the seconds in list, on a logarithmic scale up to top nanoseconds.
	const draw = (spark, list, top, label) => {
		if (!spark.children.length) {
			setAttr(spark, "viewBox", `0 0 ${width} ${height}`);
			setAttr(spark, "preserveAspectRatio", "none");
			setAttr(svg(spark, "path", "base"), "d", `M0 ${height}H${width}`);
			for (const part of ["max", "mean", "failed"]) svg(spark, "path", part);
		}
		const step = width / (seconds - 1);
		const x = (s) => (seconds - 1 - s.ago_s) * step;
		// The scale starts at 100 µs, which is fast on a loopback.
		const y = (ns) => height - height * Math.max(0.04, Math.log1p(ns / 1e5) / Math.log1p(Math.max(top, 1e6) / 1e5));
		const at = (s, ns) => `${x(s).toFixed(1)} ${y(ns).toFixed(1)}`;
		let area = "", line = "", marks = "";
		let run = []; // consecutive seconds
		const end = () => {
			if (!run.length) return;
			const first = run[0], last = run[run.length - 1];
			line += "M" + run.map((s) => at(s, s.mean_ns)).join("L") + (run.length === 1 ? "h2" : "");
			area += `M${x(first).toFixed(1)} ${height}L` + run.map((s) => at(s, s.max_ns)).join("L") + `L${x(last).toFixed(1)} ${height}Z`;
			run = [];
		};
		for (const s of list) {
			if (run.length && run[run.length - 1].ago_s !== s.ago_s + 1) end();
			run.push(s);
			if (s.failed) marks += `M${x(s).toFixed(1)} ${height}v${(-height * (0.15 + 0.35 * s.failed / s.count)).toFixed(1)}`;
		}
		end();
		setAttr(spark.children[1], "d", area);
		setAttr(spark.children[2], "d", line);
		setAttr(spark.children[3], "d", marks);
		setAttr(spark, "aria-label", label);
	};
	// summary describes a sparkline in words.
	const summary = (list) => {
		if (!list.length) return "idle for a minute";
		let count = 0, failed = 0, sum = 0, slowest = 0;
		for (const s of list) {
			count += s.count;
			failed += s.failed;
			sum += s.count * s.mean_ns;
			slowest = Math.max(slowest, s.max_ns);
		}
		return `mean ${duration(sum / count)} · max ${duration(slowest)}` + (failed ? ` · ${plural(failed, "failure")}` : "");
	};
	const topOf = (lists) => Math.max(0, ...lists.flat().map((s) => s.max_ns));

	const showCalls = (snap) => {
		const c = snap.calls, recent = c.latencies.filter((s) => s.ago_s >= 1 && s.ago_s <= 10);
		const ended = recent.reduce((n, s) => n + s.count, 0);
		const own = snap.endpoints.filter((e) => !e.depth);
		const admitted = own.filter((e) => e.state === "admitted").length;
		const figures = [
			["Admitted", `${admitted} of ${own.length}`],
			["Calls per second", (ended / 10).toFixed(ended < 100 ? 1 : 0)],
			["Calls in flight", number.format(c.in_flight)],
			["Calls", number.format(c.total)],
			["Failed", number.format(c.failed)],
			["Attempts per call", c.total ? (c.attempts / c.total).toFixed(2) : "–"],
			["Retries", number.format(c.retries)],
			["Hedges", number.format(c.hedges)],
			["Budget exhausted", number.format(c.budget_exhausted)],
		];
		if (snap.retries_left !== undefined) figures.push(["Retries left", number.format(snap.retries_left)]);
		const nodes = resize($("figures"), figures.length, () => {
			const node = make("div");
			node.append(make("dt"), make("dd"));
			return node;
		});
		figures.forEach(([name, value], i) => {
			setText(nodes[i].children[0], name);
			setText(nodes[i].children[1], value);
		});
		nodes[4].children[1].classList.toggle("bad", c.failed > 0);
		const text = "All calls: " + summary(c.latencies);
		draw($("callspark"), c.latencies, topOf([c.latencies]), text);
		setText($("calltext"), text);
	};

	const newRow = () => {
		const row = make("tr");
		row.setAttribute("role", "row");
		const cell = (className, label, ...children) => {
			const node = make(className === "endpoint" ? "th" : "td", className);
			node.setAttribute("role", className === "endpoint" ? "rowheader" : "cell");
			if (className === "endpoint") node.scope = "row";
			if (label) node.dataset.label = label;
			node.append(...children);
			row.append(node);
		};
		const f = row.fields = {
			name: make("span", "name"), weight: make("span", "small"),
			state: make("span", "badge"), since: make("span", "small"), probe: make("span", "small"),
			spark: document.createElementNS("http://www.w3.org/2000/svg", "svg"), text: make("span", "small"),
			share: make("span"), inFlight: make("span"), attempts: make("span"), failures: make("div"), average: make("div"),
			error: make("span", "error clamp"), errorAt: make("span", "small"),
		};
		f.spark.setAttribute("class", "spark");
		f.spark.setAttribute("role", "img");
		cell("endpoint", "", f.name, f.weight);
		cell("state", "", f.state, f.since, f.probe);
		cell("latency", "", f.spark, f.text);
		cell("number", "Share", f.share);
		cell("number", "In flight", f.inFlight);
		cell("number", "Attempts", f.attempts);
		cell("failures", "Failures", f.failures);
		cell("average", "Average", f.average);
		cell("lasterror", "Last error", f.error, f.errorAt);
		return row;
	};
	const showPairs = (node, pairs, none) => {
		const lines = pairs.map(([name, value]) => `${name} ${value}`);
		const nodes = resize(node, lines.length || 1, () => make("div"));
		nodes[0].className = lines.length ? "" : "muted";
		(lines.length ? lines : [none]).forEach((line, i) => setText(nodes[i], line));
	};
	// showError shows the first lines of an error. If there are more, it can be given the
	// focus, by a key or a touch, and is then shown whole, as under the pointer.
	const showError = (node, text) => {
		setText(node, text);
		if (node.matches(":hover, :focus")) return; // shown whole
		if (node.scrollHeight > node.clientHeight + 1) setAttr(node, "tabindex", "0");
		else node.removeAttribute("tabindex");
	};
	const newOperation = () => {
		const row = make("tr"), name = make("th");
		name.scope = "row";
		const f = row.fields = { op: make("span", "name"), text: make("span", "small"), calls: make("td", "number"), failed: make("td", "number"), attempts: make("td", "number") };
		name.append(f.op, f.text);
		row.append(name, f.calls, f.failed, f.attempts);
		return row;
	};
	const showOperations = (snap) => {
		$("nooperations").hidden = snap.operations.length > 0;
		$("operationtable").hidden = snap.operations.length === 0;
		const rows = resize($("operations"), snap.operations.length, newOperation);
		snap.operations.forEach((o, i) => {
			const f = rows[i].fields;
			setText(f.op, o.op);
			setText(f.text, summary(o.latencies));
			setText(f.calls, number.format(o.total));
			setText(f.failed, number.format(o.failed));
			f.failed.classList.toggle("bad", o.failed > 0);
			setText(f.attempts, (o.attempts / o.total).toFixed(2));
		});
	};
	const showEndpoints = (snap) => {
		$("noendpoints").hidden = snap.endpoints.length > 0;
		$("table").hidden = snap.endpoints.length === 0;
		const top = topOf(snap.endpoints.map((e) => e.latencies));
		const rows = resize($("endpoints"), snap.endpoints.length, newRow);
		snap.endpoints.forEach((e, i) => {
			const f = rows[i].fields;
			setAttr(rows[i], "data-state", e.state);
			rows[i].firstElementChild.style.paddingInlineStart = e.depth ? `${0.75 + 1.25 * e.depth}rem` : "";
			setText(f.name, e.endpoint);
			setText(f.weight, "weight " + Number(e.weight.toFixed(2)));
			setText(f.state, e.state);
			setAttr(f.state, "data-kind", e.state);
			setText(f.since, isTime(e.since) ? "for " + between(e.since, snap.now) : "");
			setText(f.probe, isTime(e.next_probe) ? "probe in " + between(snap.now, e.next_probe) : "");
			const text = summary(e.latencies);
			draw(f.spark, e.latencies, top, `Latency of ${e.endpoint}: ${text}`);
			setText(f.text, text);
			setText(f.share, percent.format(e.share));
			setText(f.inFlight, number.format(e.in_flight));
			setText(f.attempts, number.format(e.attempts));
			const failures = Object.entries(e.failures || {}).filter(([, n]) => n > 0).sort();
			showPairs(f.failures, failures.map(([kind, n]) => [kind, number.format(n)]), "none");
			showPairs(f.average, Object.entries(e.ewma_ns || {}).sort().map(([name, ns]) => [name, duration(ns)]), "–");
			showError(f.error, e.last_error || "");
			setText(f.errorAt, isTime(e.last_error_at) ? between(e.last_error_at, snap.now) + " ago" : "");
		});
	};

	const newEvent = () => {
		const node = make("li");
		node.fields = { at: make("time"), kind: make("span", "badge"), text: make("span", "name"), error: make("span", "error clamp") };
		node.append(...Object.values(node.fields));
		return node;
	};
	const describe = (e) => {
		const parts = [];
		if (e.count > 1) parts.push("× " + number.format(e.count));
		if (e.op) parts.push(e.op);
		if (e.endpoint) parts.push((e.op ? "at " : "") + e.endpoint);
		if (e.for_ns) parts.push((e.kind.startsWith("probe") ? "after " : "for ") + duration(e.for_ns));
		if (e.added) parts.push("added " + e.added.join(", "));
		if (e.removed) parts.push("removed " + e.removed.join(", "));
		return parts.join(" ");
	};
	const showEvents = (snap) => {
		$("noevents").hidden = snap.events.length > 0;
		const nodes = resize($("events"), snap.events.length, newEvent);
		snap.events.forEach((e, i) => {
			const f = nodes[i].fields;
			setText(f.at, clock(e.at));
			setAttr(f.at, "datetime", e.at);
			setText(f.kind, e.kind);
			setAttr(f.kind, "data-kind", e.kind);
			setText(f.text, describe(e));
			showError(f.error, e.error || "");
			f.error.hidden = !e.error;
		});
	};

	// The time is an element of its own, because screen readers announce the
	// status at every change.
	const status = (text, when, lost) => {
		setText($("status"), text);
		setText($("when"), when);
		$("status").classList.toggle("lost", lost);
	};
	let paused = false, last = "never";
	const update = async () => {
		try {
			const answer = await fetch("?format=json", { cache: "no-store", signal: AbortSignal.timeout(patience) });
			if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
			const snap = await answer.json();
			if (paused) return;
			setText($("name"), snap.name || "Load balancer");
			document.title = (snap.name || "Load balancer") + " " + location.pathname;
			setText($("strategy"), snap.strategy || "");
			showCalls(snap);
			showEndpoints(snap);
			showOperations(snap);
			showEvents(snap);
			last = clock(snap.now);
			document.documentElement.dataset.updates = Number(document.documentElement.dataset.updates || 0) + 1;
			status("live", last, false);
		} catch (err) {
			status(`not updated: ${err.message}; trying again`, `last ${last}`, true);
		}
	};
	const loop = async () => {
		if (!paused && !document.hidden) await update();
		setTimeout(loop, period);
	};
	$("pause").addEventListener("click", () => {
		paused = !paused;
		setText($("pause"), paused ? "Resume" : "Pause");
		status(paused ? "paused" : "live", last, false);
	});
	document.title = "Load balancer " + location.pathname;
	loop();
})();
