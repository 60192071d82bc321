/** Style of report.html: light and dark by the reader's setting, one column on a phone. */
export const STYLE = `
:root{color-scheme:light dark;--bg:light-dark(#fff,#14171a);--fg:light-dark(#1b1f23,#e6e8ea);--dim:light-dark(#57606a,#a3abb3);--line:light-dark(#d0d7de,#363c43);--panel:light-dark(#f6f8fa,#1d2126);--link:light-dark(#0550ae,#79b8ff);--good:light-dark(#116329,#6fdd8b);--bad:light-dark(#b31d28,#ff9492);--unsure:light-dark(#7d4e00,#f0b72f);--boot:light-dark(#4078c0,#5b9bd8);--checks:light-dark(#2da160,#3fb06f);--evidence:light-dark(#c28a1e,#d29a2e);--removal:light-dark(#8b949e,#7d868f)}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif}
header{position:sticky;top:0;z-index:2;display:flex;flex-wrap:wrap;gap:4px 16px;align-items:baseline;padding:10px 20px;background:var(--panel);border-bottom:1px solid var(--line)}
header .name{font-weight:700;color:var(--fg);text-decoration:none}
nav{display:flex;flex-wrap:wrap;gap:2px 4px}
nav a{padding:4px 8px;border-radius:6px;color:var(--fg);text-decoration:none}
nav a[aria-current]{background:var(--link);color:var(--bg)}
main{max-width:1200px;margin:0 auto;padding:16px 20px;outline:none}
footer{max-width:1200px;margin:0 auto;padding:16px 20px;border-top:1px solid var(--line)}
a{color:var(--link)}
:focus-visible{outline:2px solid var(--link);outline-offset:2px}
h1{font-size:22px;margin:8px 0}h2{font-size:17px;margin:24px 0 8px}h3{font-size:15px;margin:0 0 4px}
p{margin:4px 0;overflow-wrap:anywhere}
pre,code,.line,.frame,.says,.value{font:13px/1.45 ui-monospace,monospace}
pre{margin:8px 0;padding:8px;max-height:420px;overflow:auto;background:var(--bg);border:1px solid var(--line);border-radius:6px;white-space:pre-wrap;overflow-wrap:anywhere}
code{overflow-wrap:anywhere}
.value{overflow-wrap:anywhere}
button,select,input{font:inherit;color:var(--fg);background:var(--bg);border:1px solid var(--line);border-radius:6px;padding:3px 8px}
.filter{width:min(480px,100%)}
.more{margin:8px 0}
.dim{color:var(--dim)}
.verdict{padding:12px 16px;border:1px solid var(--line);border-left:6px solid var(--unsure);border-radius:6px;background:var(--panel)}
.verdict.passed{border-left-color:var(--good)}.verdict.failed{border-left-color:var(--bad)}
.verdict h1{margin:0}.verdict.passed h1{color:var(--good)}.verdict.failed h1{color:var(--bad)}
.failure{margin:12px 0;padding:10px 14px;border:1px solid var(--line);border-left:4px solid var(--bad);border-radius:6px;background:var(--panel)}
.failure pre{max-height:180px}
.failure .says{color:var(--bad);font-weight:600}
.failure .cause{font-weight:600}
.failure .promise{color:var(--dim)}.failure .code,.failure .frame{color:var(--dim);font-size:13px}
.badge{display:inline-block;min-width:64px;padding:0 6px;border:1px solid currentColor;border-radius:9px;font-size:12px;text-align:center}
.badge.passed{color:var(--good)}.badge.failed{color:var(--bad);font-weight:700}.badge.skipped,.badge.flaky,.badge.known{color:var(--unsure)}.badge.unknown{color:var(--dim)}
.row{padding:4px 0;border-bottom:1px solid var(--line);content-visibility:auto;contain-intrinsic-size:auto 34px}
.row.current{background:var(--panel)}
.why{font-size:13px}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%}th,td{padding:4px 10px 4px 0;text-align:left;vertical-align:top;overflow-wrap:anywhere;border-bottom:1px solid var(--line)}
.waterfall ol{list-style:none;margin:8px 0;padding:0}
.waterfall li{display:grid;grid-template-columns:minmax(120px,220px) 1fr 70px;gap:10px;align-items:center;content-visibility:auto;contain-intrinsic-size:auto 26px}
.waterfall li a{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.track{position:relative;height:14px;background:var(--panel);border-radius:3px;overflow:hidden}
.bar{position:absolute;top:0;bottom:0;min-width:1px;border-right:1px solid var(--bg)}
.swatch{display:inline-block;width:11px;height:11px;border-radius:2px}
.boot{background:var(--boot)}.checks{background:var(--checks)}.evidence.bar,.swatch.evidence{background:var(--evidence)}.removal{background:var(--removal)}
.ms{text-align:right;color:var(--dim)}
.lanes{display:grid;grid-template-columns:80px 1fr;border:1px solid var(--line);border-radius:6px;background:var(--panel)}
.lane-names{list-style:none;margin:0;padding:0 0 0 8px;font-size:12px;color:var(--dim)}.lane-names li{height:18px;line-height:18px}
.lanes svg{width:100%;height:126px;display:block}
.mark{fill:var(--boot)}.mark.check{fill:var(--checks)}.mark.control{fill:var(--evidence)}.mark.container,.mark.link{fill:var(--link)}.mark.log,.mark.step{fill:var(--removal)}.mark.bad{fill:var(--bad)}
.cursor{stroke:var(--fg);stroke-width:1.5;vector-effect:non-scaling-stroke}
.scrub{display:flex;gap:10px;align-items:center;flex-wrap:wrap}.scrubber{flex:1;min-width:160px;padding:0}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(240px,1fr));gap:0 24px}
.plain{list-style:none;margin:0;padding:0;overflow-wrap:anywhere}
.status{display:inline-block;min-width:86px;font-size:12px;color:var(--dim)}
.status.STARTED,.status.READY,.status.established,.status.DONE{color:var(--good)}.status.STOPPED,.status.failed,.status.removed{color:var(--bad)}
.graph{width:100%;height:auto;display:block}
.graph text{font:13px system-ui,sans-serif;fill:var(--fg)}.graph .small{font-size:11px;fill:var(--dim)}
.graph .edge-name{paint-order:stroke;stroke:var(--bg);stroke-width:4px}
.box{fill:var(--panel);stroke:var(--line);stroke-width:1.5}.box.STARTED,.box.READY{stroke:var(--good)}.box.STOPPED{stroke:var(--bad)}
.edge{fill:none;stroke:var(--dim);stroke-width:1.5}.edge.established{stroke:var(--good)}.edge.failed,.edge.removed{stroke:var(--bad);stroke-dasharray:4 3}
.line{margin:0;padding:1px 0;content-visibility:auto;contain-intrinsic-size:auto 20px}
.line .source{color:var(--link)}.line.ERROR,.line.FATAL{color:var(--bad)}.line.WARN{color:var(--unsure)}
.keys{display:flex;flex-wrap:wrap;gap:6px}kbd{padding:1px 6px;border:1px solid var(--line);border-radius:4px;font-size:12px}
@media (max-width:640px){main,header,footer{padding-left:12px;padding-right:12px}.waterfall li{grid-template-columns:110px 1fr 56px;gap:6px}.lanes{grid-template-columns:64px 1fr}}
@media print{header,footer,button{display:none}.row,.line{content-visibility:visible}}
`;
