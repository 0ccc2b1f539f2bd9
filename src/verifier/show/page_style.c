/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the look of the pages: dark and light, wide and narrow. */
#include "verifier/show/page.h"

/* Contrast of text is at least 4.5:1 in both. */
const char lk_page_style[] =
	":root{color-scheme:light dark;--bg:#fff;--fg:#1a1a1a;--dim:#595959;--line:#d0d0d0;--link:#0b4f9e;"
	"--good:#146c2e;--unsure:#7a4b00;--bad:#a8071a;--card:#f5f5f5}\n"
	"@media(prefers-color-scheme:dark){:root{--bg:#151515;--fg:#ececec;--dim:#a8a8a8;--line:#3c3c3c;"
	"--link:#8ab8f5;--good:#6fd58a;--unsure:#f0b95a;--bad:#ff8a8a;--card:#202020}}\n"
	"*{box-sizing:border-box}body{margin:0 auto;max-width:72rem;padding:1rem;background:var(--bg);"
	"color:var(--fg);font:16px/1.5 system-ui,sans-serif}\n"
	"a{color:var(--link)}:focus-visible{outline:3px solid var(--link);outline-offset:2px}\n"
	".skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.25rem;background:var(--bg);padding:.25rem}\n"
	"nav{display:flex;gap:1rem;border-bottom:1px solid var(--line);padding-bottom:.5rem;flex-wrap:wrap}\n"
	"main:focus{outline:none}h1{font-size:1.5rem;overflow-wrap:anywhere}h2{font-size:1.15rem;margin-top:2rem}\n"
	".cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(8rem,1fr));gap:.75rem;padding:0;list-style:none}\n"
	".cards li{background:var(--card);padding:.75rem;border-radius:.4rem}.cards b{display:block;font-size:1.8rem}\n"
	".wide{overflow-x:auto;margin:1rem 0}table{border-collapse:collapse;width:100%}caption{text-align:left;color:var(--dim)}\n"
	"th,td{text-align:left;padding:.35rem .6rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top;"
	"overflow-wrap:anywhere}th,.word{overflow-wrap:normal}\n"
	".good{color:var(--good)}.unsure{color:var(--unsure)}.bad{color:var(--bad)}.none,.dim{color:var(--dim)}\n"
	".verdict{font-weight:600;white-space:nowrap}code{font-size:.85rem;overflow-wrap:anywhere}pre{white-space:pre-wrap}\n"
	"form{display:flex;gap:.5rem;flex-wrap:wrap;align-items:end;margin:1rem 0}form>div{min-width:0;max-width:100%}label{display:block}\n"
	"input,select,button{font:inherit;padding:.35rem;max-width:100%;background:var(--bg);color:var(--fg);border:1px solid var(--dim)}\n"
	"dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem}dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}\n"
	"svg{max-width:100%;height:auto}svg .g{fill:var(--good)}svg .u{fill:var(--unsure)}svg .b{fill:var(--bad)}"
	"svg text{fill:var(--dim);font-size:12px}svg line{stroke:var(--line)}\n"
	"@media(max-width:40rem){dl{grid-template-columns:1fr}dd{margin-bottom:.5rem}.optional{display:none}}\n"
	"@media print{nav,form,.skip{display:none}}\n";
