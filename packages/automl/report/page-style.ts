/**
 * Colours and layout of the page, for light and dark screens and for paper. Lines differ in colour and in dashes: the colours are told apart
 * with any kind of colour vision (after Okabe and Ito), each has a contrast of 3:1 or more with the background.
 */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --back: #fff; --text: #1b1f24; --quiet: #59636e; --rule: #d6dbe0; --raised: #f5f7f9;
  --hit: 0 98 155; --miss: 196 78 0; --strong-text: #fff;
  --line-0: #1b1f24; --line-1: #0072b2; --line-2: #c45000; --line-3: #00805d; --line-4: #a8407f; --line-5: #8a6a00; --line-6: #4b5fd0; --line-7: #7a4a2b; }
@media (prefers-color-scheme: dark) { :root { --back: #14171b; --text: #e8ecf0; --quiet: #a3adb8; --rule: #363c44; --raised: #1d2126;
  --hit: 38 128 190; --miss: 205 92 20;
  --line-0: #e8ecf0; --line-1: #56b4e9; --line-2: #f08a3c; --line-3: #2fc795; --line-4: #e08cbd; --line-5: #e0bb3a; --line-6: #9aa8ff; --line-7: #d19a6c; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem; background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0; overflow-wrap: anywhere; } h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; }
p { margin: .3rem 0; max-width: 46rem; } .quiet { color: var(--quiet); }
.scores { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 0 1.5rem; margin: .5rem 0; }
.scores div { display: flex; justify-content: space-between; gap: 1rem; border-bottom: 1px solid var(--rule); padding: .2rem 0; }
.scores dt { overflow-wrap: anywhere; } .scores dd, td { font-variant-numeric: tabular-nums; } .scores dd { margin: 0; }
.scores .primary { font-weight: 700; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); gap: 1rem; }
figure { margin: 0; } figcaption { font-weight: 600; } svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--quiet); font: 12px system-ui, sans-serif; unicode-bidi: isolate; } svg .axis { fill: var(--text); }
.grid line { stroke: var(--rule); } .baseline { fill: none; stroke: var(--quiet); stroke-dasharray: 2 4; } .mark { stroke: var(--quiet); stroke-width: 1.5; }
.series path { fill: none; stroke-width: 2; stroke-linejoin: round; }
.style-0 { --line: var(--line-0); } .style-1 { --line: var(--line-1); } .style-2 { --line: var(--line-2); } .style-3 { --line: var(--line-3); }
.style-4 { --line: var(--line-4); } .style-5 { --line: var(--line-5); } .style-6 { --line: var(--line-6); } .style-7 { --line: var(--line-7); }
.series path { stroke: var(--line); } .series circle { fill: var(--line); } .style-0 path { stroke-width: 3; }
.style-2 path { stroke-dasharray: 8 3; } .style-3 path { stroke-dasharray: 2 3; } .style-4 path { stroke-dasharray: 8 3 2 3; }
.style-5 path { stroke-dasharray: 12 4; } .style-6 path { stroke-dasharray: 5 5; } .style-7 path { stroke-dasharray: 12 3 2 3 2 3; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; padding: 0; margin: .5rem 0; }
.legend li { display: flex; align-items: center; gap: .5rem; overflow-wrap: anywhere; } .legend svg { width: 2.5rem; flex: none; }
.scroll { overflow-x: auto; max-height: 42rem; } .scroll:focus-visible { outline: 2px solid var(--line-1); }
table { border-collapse: collapse; margin: .5rem 0; } caption { text-align: left; color: var(--quiet); padding-bottom: .4rem; }
th, td { padding: .25rem .6rem; border: 1px solid var(--rule); text-align: right; } thead th { background: var(--raised); }
tbody th, .name { text-align: left; font-weight: 500; max-width: 20rem; overflow-wrap: anywhere; } tfoot th { text-align: left; } tfoot { background: var(--raised); }
.hit { background: rgb(var(--hit) / var(--share)); } .miss { background: rgb(var(--miss) / var(--share)); } .strong { color: var(--strong-text); }
summary { cursor: pointer; } :focus-visible { outline: 2px solid var(--line-1); outline-offset: 2px; }
@media print { .scroll { max-height: none; overflow: visible; } }
`;
