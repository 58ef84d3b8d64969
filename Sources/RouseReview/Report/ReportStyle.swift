/// How pages look: one style, light and dark, on a phone, a screen and paper. Nothing in it is loaded from anywhere.
///
/// Colours are of Okabe and Ito's set, which people of every kind of colour vision tell apart, somewhat darker on white
/// so that marks stand out 3:1 and text 4.5:1. No figure is told by colour alone: fills have patterns, lines dashes and
/// marks, and all of it names beside it.
enum ReportStyle {
  static let css = """
    :root{color-scheme:light dark;--ground:#f4f5f7;--paper:#fff;--ink:#16191d;--soft:#545b65;--rule:#d3d7dd;--grid:#e4e7eb;
    --a:#0072b2;--b:#b84a00;--c:#00795a;--d:#a0467a;--e:#8a6200;--f:#45525e;--link:#005a8e;--faint:#b9c0c9;--tint:#eaf3f9;--warn:#fdf1e7}
    @media screen and (prefers-color-scheme:dark){:root{--ground:#101316;--paper:#191d21;--ink:#eceef1;--soft:#aeb6bf;--rule:#3a424b;
    --grid:#2b3138;--a:#5ab7ec;--b:#ff9350;--c:#3fcf9f;--d:#e79bc8;--e:#f2c445;--f:#c3ccd6;--link:#82c8f2;--faint:#56606b;--tint:#17303f;--warn:#3b2717}}
    *{box-sizing:border-box}
    html{-webkit-text-size-adjust:100%;text-size-adjust:100%;scroll-padding-top:1rem}
    body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",
    Arial,"Noto Sans","DejaVu Sans",sans-serif;overflow-wrap:break-word}
    .x,bdi,h1,h2,.soft,li,p,dd{overflow-wrap:anywhere}
    .page{max-width:1120px;margin:0 auto;padding:1rem}
    header{padding:.5rem 0 1rem}
    h1{font-size:1.6rem;line-height:1.2;margin:0 0 .4rem;text-wrap:balance}
    h2{font-size:1.2rem;line-height:1.3;margin:0 0 .4rem}
    h3{font-size:1rem;line-height:1.3;margin:1.6rem 0 .4rem}
    p{margin:.4rem 0 .8rem;max-width:68ch}
    .lede,.headline{font-size:1.08rem;font-weight:600;text-wrap:pretty}
    .headline{margin-bottom:1rem}
    .soft,figcaption,.note{color:var(--soft);font-size:.9rem}
    a{color:var(--link)}
    section{background:var(--paper);border:1px solid var(--rule);border-radius:10px;padding:1.1rem 1rem;margin:0 0 1rem}
    nav{font-size:.92rem;margin-bottom:1rem}
    nav ol{list-style:none;margin:0;padding:0;display:flex;flex-wrap:wrap;gap:.2rem 1rem}
    nav a{display:inline-block;padding:.2rem 0}
    ul.points,ol.points{padding-left:1.2rem;margin:.4rem 0 1rem;max-width:70ch}
    .points li{margin:.3rem 0}
    dl.cards{display:grid;grid-template-columns:repeat(2,1fr);gap:.6rem;margin:1rem 0}
    dl.cards div{border:1px solid var(--rule);border-radius:8px;padding:.6rem .7rem;min-width:0}
    dl.cards dt{font-size:.85rem;color:var(--soft)}
    dl.cards dd{margin:0}
    dl.cards .big{font-size:1.18rem;font-weight:650;font-variant-numeric:tabular-nums;line-height:1.3}
    dl.cards .long{font-size:1rem}
    dl.cards .was{font-size:.85rem;color:var(--soft)}
    .look{border-left:4px solid var(--b);background:var(--warn);padding:.6rem .8rem;border-radius:0 8px 8px 0;margin:.8rem 0}
    .well{border-left:4px solid var(--a);background:var(--tint);padding:.6rem .8rem;border-radius:0 8px 8px 0;margin:.8rem 0}
    .look p,.well p,.look ul,.well ul{margin:.2rem 0}
    figure{margin:1rem 0}
    figure svg{display:block;max-width:100%;height:auto}
    .wide{display:none}
    .narrow{max-width:430px}
    .narrow svg,.wide svg{width:100%}
    .n{white-space:nowrap}
    figcaption{margin-top:.4rem;max-width:70ch}
    table{border-collapse:collapse;width:100%;margin:.6rem 0 1rem;font-size:.92rem;font-variant-numeric:tabular-nums}
    table.wider{font-size:.85rem}
    table.wider th,table.wider td{padding:.35rem .35rem}
    caption{text-align:left;font-weight:600;padding:.2rem 0 .4rem}
    th,td{padding:.35rem .5rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--grid)}
    thead th{border-bottom:2px solid var(--rule);font-size:.85rem;color:var(--soft);vertical-align:bottom}
    tbody th{font-weight:600}
    .r{text-align:right}
    th bdi,td bdi{overflow-wrap:break-word}
    .x bdi{overflow-wrap:anywhere}
    td .soft{font-size:inherit}
    .grade{display:inline-block;border:1.5px solid var(--rule);border-radius:99px;padding:0 .5rem;margin-right:.4rem;font-size:.8rem;font-weight:600;white-space:nowrap}
    .g-act,.g-look{border-color:var(--b)}
    .g-act{background:var(--warn)}
    .g-good{border-color:var(--c)}
    details>summary{cursor:pointer;font-weight:600;padding:.4rem 0}
    dl.words dt{font-weight:600;margin-top:.7rem}
    dl.words dd{margin:0;max-width:70ch}
    dl.facts{display:grid;grid-template-columns:minmax(7rem,auto) 1fr;gap:.3rem 1rem;margin:.6rem 0}
    dl.facts dt{color:var(--soft)}
    dl.facts dd{margin:0}
    code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.9em}
    svg text{font-size:12px;fill:var(--ink);unicode-bidi:isolate}
    svg .tick{font-size:11px;fill:var(--soft)}
    svg .b{font-weight:600}
    svg .num{font-variant-numeric:tabular-nums}
    .grid{stroke:var(--grid)} .base{stroke:var(--soft)} .paper{fill:var(--paper)}
    .fa{fill:var(--a)} .hatch{fill:url(#hatch)} .hatch-b{fill:url(#hatch-b)} .dots-c{fill:url(#dots-c)}
    .hatch{stroke:var(--f)} .hatch-b{stroke:var(--b)} .dots-c{stroke:var(--c)}
    .whisker{stroke:var(--ink);stroke-width:1.6} .whisker-a{stroke:var(--a);stroke-width:2} .whisker-b{stroke:var(--b);stroke-width:2;stroke-dasharray:3 2}
    .reference{stroke:var(--ink);stroke-width:1.4;stroke-dasharray:6 4} .goal{stroke:var(--b);stroke-width:2} .goal-mark{fill:var(--b)}
    .ma{fill:var(--a)} .mb{fill:var(--b)} .hollow{fill:var(--paper);stroke:var(--a);stroke-width:2}
    .l{fill:none;stroke-width:2.2;stroke-linejoin:round} .faint{stroke:var(--faint);stroke-width:1.2}
    .l0{stroke:var(--a)} .l1{stroke:var(--b);stroke-dasharray:7 3} .l2{stroke:var(--c);stroke-dasharray:2 3}
    .l3{stroke:var(--d);stroke-dasharray:9 3 2 3} .l4{stroke:var(--e);stroke-dasharray:4 4} .l5{stroke:var(--f);stroke-dasharray:12 4}
    .m0{fill:var(--a)} .m1{fill:var(--b)} .m2{fill:var(--c)} .m3{fill:var(--d)} .m4{fill:var(--e)} .m5{fill:var(--f)}
    .t{stroke:var(--ink);stroke-width:1.3} .t0{stroke-dasharray:1 4} .t1{stroke-dasharray:8 4} .t2{stroke-dasharray:14 3}
    .cut{stroke-width:1.4;stroke-dasharray:2 2} .bracket{fill:none;stroke:var(--ink);stroke-width:1.4}
    .p0{fill:var(--paper)} .s-f{stroke:var(--f);stroke-width:2.4} .s-b{stroke:var(--b);stroke-width:2.4} .m-c{fill:var(--c)}
    svg.patterns{position:absolute;width:0;height:0}
    @media screen and (max-width:719px){
    th,td{padding:.3rem .25rem}
    table.many,table.many caption,table.many tbody,table.many tr,table.many th,table.many td{display:block;width:100%}
    table.many thead{display:none}
    table.many tr{border:1px solid var(--rule);border-radius:8px;padding:.4rem .6rem;margin:0 0 .6rem}
    table.many th,table.many td{border:0;padding:.12rem 0}
    table.many td{display:flex;justify-content:space-between;gap:1rem;text-align:right}
    table.many td::before{content:attr(data-label);color:var(--soft);text-align:left;flex:0 1 45%}
    table.many td.w{display:block;text-align:left}
    table.many td.w::before{display:block}
    }
    @media screen and (min-width:720px){
    .wide{display:block}.narrow{display:none}
    .pair{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));column-gap:1.5rem}
    .pair .wide{display:none}.pair .narrow{display:block;max-width:none}
    @supports selector(details::details-content){
    details.fold>summary{display:none}
    details.fold::details-content{content-visibility:visible;display:block;block-size:auto}
    }
    }
    @media screen and (min-width:840px){
    section{padding:1.4rem 1.6rem}
    dl.cards{grid-template-columns:repeat(auto-fit,minmax(145px,1fr))}
    dl.cards.three{grid-template-columns:repeat(3,1fr)}
    h1{font-size:2rem}
    }
    @media screen and (min-width:720px) and (max-width:999px){table.wider{font-size:.78rem}}
    @media screen and (min-width:1080px){
    .page{display:grid;grid-template-columns:210px minmax(0,1fr);column-gap:2rem}
    header{grid-column:1/3}
    nav{position:sticky;top:1rem;align-self:start;max-height:calc(100vh - 2rem);overflow-y:auto}
    nav ol{display:block}
    nav li{margin:.15rem 0}
    }
    @media print{
    @page{size:A4;margin:14mm}
    body{background:#fff;font-size:10pt}
    .page{max-width:none;padding:0}
    nav{display:none}
    section{border:0;border-top:1px solid var(--rule);border-radius:0;padding:.8rem 0;margin:0}
    h2,h3,caption,.headline,summary{break-after:avoid}
    figure,tr,dl.cards div,.look,.well,.headline,li,dl.words div{break-inside:avoid}
    figure svg{max-width:165mm}
    thead{display:table-header-group}
    table{font-size:8.5pt}
    table.wider{font-size:7.5pt}
    .wide{display:block}.narrow{display:none}
    .pair{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));column-gap:8mm}
    .pair .wide{display:none}.pair .narrow{display:block;max-width:none}
    dl.cards{grid-template-columns:repeat(3,1fr)}
    details::details-content{content-visibility:visible;display:block;block-size:auto}
    details>summary{list-style:none}
    @supports selector(details::details-content){details>summary{display:none}}
    .look,.well,dl.cards div{print-color-adjust:exact;-webkit-print-color-adjust:exact}
    a{color:inherit;text-decoration:none}
    }
    """

  /// What the fills refer to.
  static let patterns: Markup = """
    <svg class="patterns" aria-hidden="true" focusable="false"><defs>\
    <pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">\
    <rect width="6" height="6" class="p0" /><line x1="0" y1="0" x2="0" y2="6" class="s-f" /></pattern>\
    <pattern id="hatch-b" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)">\
    <rect width="6" height="6" class="p0" /><line x1="0" y1="0" x2="0" y2="6" class="s-b" /></pattern>\
    <pattern id="dots-c" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" class="p0" />\
    <circle cx="3" cy="3" r="1.9" class="m-c" /></pattern></defs></svg>
    """
}
