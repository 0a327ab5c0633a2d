/** One sheet for light and dark; no font or picture comes from elsewhere. */
export const style = `
:root { color-scheme: light dark; --page: #fbfbfa; --card: #fff; --ink: #1d1f23; --dim: #5c626b; --line: #dfe1e4; --accent: #2c6fbb;
  --second: #9cc0e7; --error: #b3261e; --warning: #8a5a00; --good: #1b6e3c; --box: #eef0f2; }
@media (prefers-color-scheme: dark) { :root { --page: #16181b; --card: #1f2226; --ink: #e6e8eb; --dim: #a2a9b3; --line: #34393f;
  --accent: #6aa9ee; --second: #365a80; --error: #ff8a80; --warning: #f0bd5a; --good: #74cf96; --box: #2a2e33; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 2rem 1.25rem 4rem; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; } h3 { font-size: 1rem; margin: 1.25rem 0 .5rem; }
p { margin: .35rem 0; } a { color: var(--accent); } .dim, figcaption, caption { color: var(--dim); }
.notes { margin: .75rem 0; padding: 0 0 0 1.1rem; color: var(--dim); } nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; padding: 0; margin: .75rem 0 0; list-style: none; }
.verdict { font-weight: 600; } .verdict.good { color: var(--good); } .verdict.bad { color: var(--error); }
.findings { list-style: none; padding: 0; margin: .75rem 0; display: grid; gap: .5rem; }
.findings > li { background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--dim); border-radius: 6px; padding: .6rem .9rem; }
.findings > .error { border-left-color: var(--error); } .findings > .warning { border-left-color: var(--warning); }
.findings b.kind { font-weight: 600; } .error b.kind { color: var(--error); } .warning b.kind { color: var(--warning); }
.findings ul { margin: .3rem 0 .3rem 1.1rem; padding: 0; color: var(--dim); font-size: .875rem; }
table { border-collapse: collapse; } caption { text-align: left; font-size: .875rem; padding-bottom: .4rem; }
th { text-align: left; font-weight: 600; } td, th { padding: .25rem .6rem .25rem 0; vertical-align: middle; } td.number, th.number { text-align: right; } td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.classes { width: 100%; } thead th { overflow-wrap: normal; white-space: nowrap; } .classes tbody th { min-width: 7rem; } .classes td, .classes th { border-top: 1px solid var(--line); padding-block: .4rem; } .classes thead th { border-top: 0; color: var(--dim); font-weight: 400; font-size: .875rem; }
.classes .barcell { width: 20%; min-width: 6rem; } .classes .samples { width: 52%; }
.bar { display: block; width: 100%; height: .7rem; background: var(--box); border-radius: 3px; } .bar .training { fill: var(--accent); } .bar .validation { fill: var(--second); }
.row { display: flex; flex-wrap: wrap; gap: .4rem; } .row a, .row .none { width: 72px; height: 54px; }
.thumb { display: block; background: var(--box); border-radius: 4px; overflow: hidden; } .thumb img { display: block; width: 100%; height: 100%; object-fit: contain; }
.none { display: grid; place-items: center; background: var(--box); border-radius: 4px; color: var(--dim); font-size: .75rem; text-align: center; }
.groups { display: flex; flex-wrap: wrap; gap: .75rem; } .group { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: .75rem .9rem; }
.group > p { margin: 0 0 .5rem; } .group .cards { grid-template-columns: repeat(auto-fill, 160px); } .group.pair { flex: 0 1 362px; } .group.pair .cards { grid-template-columns: 1fr 1fr; } .group:not(.pair) { flex: 1 1 100%; } .cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(160px, 1fr)); gap: .75rem; }
figure { margin: 0; font-size: .8125rem; line-height: 1.35; } figure .thumb, figure .none { height: 130px; margin-bottom: .35rem; }
figcaption b { color: var(--ink); } .labels { color: var(--ink); font-weight: 600; } .doubt { color: var(--warning); font-weight: 600; }
.tag { display: inline-block; border: 1px solid var(--line); border-radius: 999px; padding: 0 .5rem; font-size: .75rem; color: var(--dim); }
.tag.warn { color: var(--warning); border-color: currentColor; }
.scroll + .side { margin-top: 1.25rem; } .side { display: flex; flex-wrap: wrap; gap: 1.5rem; align-items: flex-start; } .chart { width: min(100%, 460px); height: auto; }
.grid path { stroke: var(--line); fill: none; } .diagonal { stroke: var(--dim); stroke-dasharray: 3 4; fill: none; } .ticks text { fill: var(--dim); font-size: 11px; }
.circles circle { fill: var(--accent); fill-opacity: .55; stroke: var(--accent); }
.pairs td { text-align: center; padding: .3rem .5rem; background: color-mix(in srgb, var(--accent) var(--share, 0%), transparent); font-variant-numeric: tabular-nums; } .pairs td.self { background: none; color: var(--dim); }
.pairs thead th { vertical-align: bottom; padding: .3rem; } .pairs thead span { writing-mode: vertical-rl; transform: rotate(180deg); font-weight: 400; }
.pairs th { font-weight: 400; } .scroll { overflow-x: auto; } details > summary { cursor: pointer; color: var(--accent); margin: .5rem 0; }
.issues { font-size: .875rem; } .issues td { border-top: 1px solid var(--line); vertical-align: top; } footer { margin-top: 3rem; font-size: .875rem; color: var(--dim); border-top: 1px solid var(--line); padding-top: .75rem; }
@media print { body { max-width: none; } .group, figure { break-inside: avoid; } }
`;
