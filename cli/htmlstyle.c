// SPDX-License-Identifier: Apache-2.0
/* How pages look, and the script that sorts tables and shows titles at once. */
#include "html.h"

static const char style[] =
    ":root{color-scheme:light dark;--paper:#fff;--ink:#1f2328;--quiet:#5b626b;"
    "--rule:#d0d5da;--mark:#e8f0fb}\n"
    "@media(prefers-color-scheme:dark){:root{--paper:#15181c;--ink:#e6e9ec;"
    "--quiet:#a0a8b1;--rule:#3a4149;--mark:#20304a}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;padding:1rem;max-width:76rem;background:var(--paper);"
    "color:var(--ink);font:15px/1.5 system-ui,sans-serif}\n"
    "h1{font-size:1.5rem;margin:.5rem 0}h2{font-size:1.15rem;margin:2rem 0 .5rem}\n"
    "p,figcaption,dt{color:var(--quiet);margin:.3rem 0}\n"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:0;padding:.8rem;"
    "background:var(--mark);border-radius:6px;font-size:13px}\n"
    ".wide{overflow-x:auto;border:1px solid var(--rule);border-radius:6px}\n"
    "table{border-collapse:separate;border-spacing:0;width:100%;font-variant-numeric:"
    "tabular-nums;"
    "font-size:13px}\n"
    "th,td{padding:.25rem .6rem;text-align:right;white-space:nowrap;"
    "border-bottom:1px solid var(--rule);vertical-align:top}\n"
    "th:first-child,td:first-child{text-align:left;position:sticky;left:0;"
    "background:var(--paper)}\n"
    "tr.answer td{background:var(--mark);font-weight:600}\n"
    "tbody tr:hover td{background:var(--mark)}\n"
    "td small{display:block;color:var(--quiet);font-weight:400}\n"
    "th[tabindex]{cursor:pointer;text-decoration:underline dotted;"
    "text-underline-offset:3px}\n"
    "th[aria-sort=ascending]::after{content:\" \\2191\"}\n"
    "th[aria-sort=descending]::after{content:\" \\2193\"}\n"
    ".figures{display:flex;flex-wrap:wrap;gap:1rem}\n"
    "figure{margin:0;flex:0 1 calc(var(--width)*1.25px)}\n"
    "figure div{position:relative}\n"
    "figure img{display:block;width:100%;height:auto;border-radius:6px;"
    "border:1px solid var(--rule);background:#fff}\n"
    "figure i{position:absolute}\n"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem;margin:0}\n"
    "dt{margin:0}dd{margin:0;overflow-wrap:anywhere}\n"
    "#tip{position:fixed;pointer-events:none;background:var(--ink);color:var(--paper);"
    "padding:.2rem .5rem;border-radius:4px;font-size:13px;max-width:20rem;z-index:2}\n"
    "@media(max-width:40rem){body{padding:.7rem}dl{grid-template-columns:1fr}}\n"
    "@media print{:root{color-scheme:light;--paper:#fff;--ink:#000;--quiet:#444;"
    "--rule:#bbb;--mark:#eee}body{max-width:none;padding:0;font-size:11px}"
    ".wide{overflow:visible;border:0}table{font-size:8px}th,td{padding:.15rem .25rem}"
    "tr,figure,pre{break-inside:avoid}figure{flex:0 1 48%}#tip{display:none}"
    "h2{break-after:avoid}th[tabindex]{text-decoration:none}}\n";

static const char script[] =
    "for(const table of document.querySelectorAll('table')){\n"
    "  const body=table.tBodies[0],heads=[...table.tHead.rows[0].cells];\n"
    "  const key=(row,c)=>row.cells[c].dataset.v??row.cells[c].textContent;\n"
    "  const sort=(head,c)=>{\n"
    "    const down=head.ariaSort==='ascending',rows=[...body.rows];\n"
    "    heads.forEach(h=>h.removeAttribute('aria-sort'));\n"
    "    head.setAttribute('aria-sort',down?'descending':'ascending');\n"
    "    rows.sort((a,b)=>{const x=key(a,c),y=key(b,c),d=x-y;\n"
    "      return (isNaN(d)?x.localeCompare(y):d)*(down?-1:1)});\n"
    "    body.append(...rows)};\n"
    "  heads.forEach((head,c)=>{head.tabIndex=0;\n"
    "    head.addEventListener('click',()=>sort(head,c));\n"
    "    head.addEventListener('keydown',e=>{if(e.key==='Enter')sort(head,c)})});\n"
    "}\n"
    "const tip=document.body.appendChild(document.createElement('div'));\n"
    "tip.id='tip';tip.hidden=true;\n"
    "for(const e of document.querySelectorAll('[title]')){\n"
    "  e.dataset.tip=e.title;e.removeAttribute('title')}\n"
    "const show=event=>{\n"
    "  const at=event.target.closest?.('[data-tip]');\n"
    "  tip.hidden=!at;\n"
    "  if(!at)return;\n"
    "  tip.textContent=at.dataset.tip;\n"
    "  const x=Math.min(event.clientX+12,innerWidth-tip.offsetWidth-4);\n"
    "  tip.style.left=Math.max(4,x)+'px';\n"
    "  const above=event.clientY+16+tip.offsetHeight>innerHeight;\n"
    "  tip.style.top=event.clientY+(above?-8-tip.offsetHeight:16)+'px'};\n"
    "for(const name of "
    "['pointermove','pointerdown'])document.addEventListener(name,show);"
    "\n"
    "document.addEventListener('scroll',()=>{tip.hidden=true},{passive:true});\n";

void html_begin(FILE *stream, const char *title)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';"
          "img-src data:;style-src 'unsafe-inline';script-src 'unsafe-inline'\">\n"
          "<title>",
          stream);
    html_text(stream, title);
    fprintf(stream, "</title>\n<style>\n%s</style>\n</head>\n<body>\n", style);
}

void html_end(FILE *stream)
{
    fprintf(stream, "<script>\n%s</script>\n</body>\n</html>\n", script);
}
