//! The map as one page of HTML that needs nothing else: hover for what a page is, click for the command that shows it, wheel or + and - to zoom,
//! arrow keys to move, four ways to colour.

use std::fmt::Write;

use serde_json::json;

use super::SCALE;
use super::page_map::PageMap;
use crate::inspect::PageUse;
use crate::output::{escape_markup, size_words, thousands};

/// Draws the map.
pub fn html(map: &PageMap) -> String {
    let uses: Vec<_> = PageUse::ALL
        .map(PageUse::words)
        .iter()
        .map(|w| json!({ "name": w.words, "colour": w.colour }))
        .collect();
    let facts = json!({
        "file": map.name,
        "pages": map.page_count,
        "per_cell": map.per_cell,
        "uses": uses,
        "owners": map.owners,
        "scale": SCALE.map(|(colour, _)| colour),
        "cells": runs(map),
    });
    // Inside a script element only this sequence could end it.
    let facts = facts.to_string().replace("</", "<\\/");
    let head = format!(
        "{} · {} pages of {} bytes, {} · {}",
        map.name,
        thousands(u64::from(map.page_count)),
        thousands(map.page_size as u64),
        size_words(u64::from(map.page_count) * map.page_size as u64),
        map.state
    );
    let mut page = String::new();
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title>\n<style>{STYLE}</style></head>\n\
         <body><header><h1>{0}</h1>{CONTROLS}</header>\n<main><canvas id=\"map\" tabindex=\"0\" aria-label=\"page map\"></canvas></main>\n\
         <footer><div id=\"about\" aria-live=\"polite\">Point at a page.</div><div id=\"legend\"></div></footer>\n\
         <script>const F={facts};\n{SCRIPT}</script></body></html>\n",
        escape_markup(&head),
    );
    page
}

/// Equal cells side by side as one: how many, use, owner, fill, age.
fn runs(map: &PageMap) -> Vec<u32> {
    let place = |page_use: PageUse| {
        PageUse::ALL
            .iter()
            .position(|known| *known == page_use)
            .unwrap_or(0) as u32
    };
    map.cells
        .chunk_by(|a, b| a == b)
        .flat_map(|run| {
            let cell = run[0];
            [
                run.len() as u32,
                place(cell.page_use),
                cell.owner,
                u32::from(cell.fill),
                u32::from(cell.age),
            ]
        })
        .collect()
}

const STYLE: &str = "
html,body{margin:0;height:100%;font:14px system-ui,sans-serif;color:#1a1a1a;background:#fff}
body{display:flex;flex-direction:column}
header{padding:10px 16px;border-bottom:1px solid #ddd}
h1{font-size:16px;margin:0 0 8px;overflow-wrap:anywhere}
button{font:inherit;margin-right:6px;padding:3px 10px;border:1px solid #999;background:#f6f6f6;border-radius:4px;cursor:pointer}
button[aria-pressed=true]{background:#0072b2;color:#fff;border-color:#0072b2}
main{flex:1;overflow:hidden;min-height:120px}
canvas{display:block;width:100%;height:100%;outline-offset:-2px}
footer{padding:8px 16px;border-top:1px solid #ddd;max-height:34vh;overflow:auto}
#about{font-weight:600;min-height:20px;margin-bottom:6px;overflow-wrap:anywhere}
#legend span{display:inline-block;margin:0 16px 4px 0;white-space:nowrap}
#legend i{display:inline-block;width:12px;height:12px;margin-right:6px;vertical-align:-1px;border:1px solid #999}
code{background:#eee;padding:1px 5px;border-radius:3px}
";

const CONTROLS: &str = "<div><button data-by=\"use\" aria-pressed=\"true\">type</button><button data-by=\"owner\" aria-pressed=\"false\">owner</button>\
<button data-by=\"fill\" aria-pressed=\"false\">fill</button><button data-by=\"age\" aria-pressed=\"false\">age in log</button>\
<button id=\"in\" aria-label=\"zoom in\">+</button><button id=\"out\" aria-label=\"zoom out\">−</button>\
<small>arrow keys move, + and − zoom, Enter shows the command for a page</small></div>";

const SCRIPT: &str = r##"
const N=['use','owner','fill','age'],cells=[];
for(let i=0;i<F.cells.length;i+=5)for(let k=0;k<F.cells[i];k++)cells.push({use:F.cells[i+1],owner:F.cells[i+2],fill:F.cells[i+3],age:F.cells[i+4]});
const canvas=document.getElementById('map'),draw=canvas.getContext('2d'),about=document.getElementById('about'),legend=document.getElementById('legend');
const OWN=['#0072b2','#e69f00','#009e73','#cc79a7','#56b4e9','#d55e00','#f0e442','#5b3a8e','#7f7f00'];
let by='use',size=0,columns=1,top0=0,at=0;
const count={};for(const c of cells)count[c.owner]=(count[c.owner]||0)+1;
const ranked=Object.keys(count).map(Number).filter(o=>o>0).sort((a,b)=>count[b]-count[a]);
const rank=new Map(ranked.map((o,i)=>[o,i]));
function colour(c){
  if(by==='use')return F.uses[c.use].colour;
  if(by==='owner')return c.owner===0?'#e4e4e4':OWN[rank.get(c.owner)]||'#a0a0a0';
  const v=by==='fill'?(c.use<5?c.fill:-1):(c.age>0?c.age:-1);
  return v<0?'#e4e4e4':F.scale[Math.min(5,Math.floor(v*6/101))];
}
function fit(){
  const box=canvas.getBoundingClientRect(),ratio=devicePixelRatio||1;
  canvas.width=box.width*ratio;canvas.height=box.height*ratio;draw.setTransform(ratio,0,0,ratio,0,0);
  if(!size)size=Math.max(2,Math.min(28,Math.floor(Math.sqrt(box.width*box.height/Math.max(1,cells.length)))));
  columns=Math.max(1,Math.floor(box.width/size));paint();
}
function paint(){
  const box=canvas.getBoundingClientRect(),rows=Math.ceil(cells.length/columns),seen=Math.ceil(box.height/size);
  top0=Math.max(0,Math.min(top0,rows-1));
  draw.clearRect(0,0,box.width,box.height);
  const gap=size>5?1:0;
  for(let y=0;y<seen;y++)for(let x=0;x<columns;x++){
    const i=(top0+y)*columns+x;if(i>=cells.length)break;
    draw.fillStyle=colour(cells[i]);draw.fillRect(x*size,y*size,size-gap,size-gap);
  }
  const y=Math.floor(at/columns)-top0,x=at%columns;
  draw.lineWidth=2;draw.strokeStyle='#000';draw.strokeRect(x*size+.5,y*size+.5,size-1,size-1);
  key();
}
function key(){
  legend.replaceChildren();
  const add=(c,n)=>{const s=document.createElement('span'),i=document.createElement('i');i.style.background=c;s.append(i,n);legend.append(s)};
  if(by==='use'){const n={};for(const c of cells)n[c.use]=(n[c.use]||0)+1;F.uses.forEach((u,i)=>n[i]&&add(u.colour,u.name+' '+(100*n[i]/cells.length).toFixed(1)+'%'))}
  else if(by==='owner'){ranked.slice(0,9).forEach((o,i)=>add(OWN[i],F.owners[o-1]+' '+(100*count[o]/cells.length).toFixed(1)+'%'));if(ranked.length>9)add('#a0a0a0','all others');if(count[0])add('#e4e4e4','no table or index')}
  else{F.scale.forEach((c,i)=>add(c,Math.ceil(i*101/6)+'-'+(Math.ceil((i+1)*101/6)-1)+'%'));add('#e4e4e4',by==='fill'?'not a tree':'from the file')}
}
function pages(i){const a=i*F.per_cell+1,b=Math.min(F.pages,a+F.per_cell-1);return a===b?'page '+a:'pages '+a+' to '+b}
function tell(i,command){
  const c=cells[i];if(!c)return;
  let t=pages(i)+': '+F.uses[c.use].name;
  if(c.owner)t+=' of '+F.owners[c.owner-1];
  if(c.use<5)t+=', '+c.fill+'% full';
  if(c.age)t+=', in the log at '+c.age+'%';
  about.textContent=t;
  if(command){const k=document.createElement('code');k.textContent='dbtool page '+F.file+' '+(i*F.per_cell+1);about.append('  ',k)}
}
function under(e){const b=canvas.getBoundingClientRect(),x=Math.floor((e.clientX-b.left)/size);return x<columns?(top0+Math.floor((e.clientY-b.top)/size))*columns+x:-1}
function zoom(f){const n=Math.max(2,Math.min(64,Math.round(f>1?Math.max(size+1,size*f):Math.min(size-1,size*f))));const b=canvas.getBoundingClientRect();size=n;columns=Math.max(1,Math.floor(b.width/size));top0=Math.max(0,Math.floor(at/columns)-Math.floor(b.height/size/2));paint()}
function move(d){at=Math.max(0,Math.min(cells.length-1,at+d));const r=Math.floor(at/columns),s=Math.max(1,Math.floor(canvas.getBoundingClientRect().height/size));if(r<top0)top0=r;if(r>=top0+s)top0=r-s+1;tell(at,false);paint()}
canvas.onmousemove=e=>tell(under(e),false);
canvas.onclick=e=>{const i=under(e);if(cells[i]){at=i;tell(i,true);paint();canvas.focus()}};
canvas.onwheel=e=>{e.preventDefault();if(e.ctrlKey||e.metaKey)zoom(e.deltaY<0?1.25:.8);else{top0+=Math.sign(e.deltaY)*3;paint()}};
canvas.onkeydown=e=>{const k=e.key;const d={ArrowLeft:-1,ArrowRight:1,ArrowUp:-columns,ArrowDown:columns,PageUp:-columns*10,PageDown:columns*10,Home:-1e9,End:1e9}[k];
  if(d){e.preventDefault();move(d)}else if(k==='+'||k==='=')zoom(1.25);else if(k==='-')zoom(.8);else if(k==='Enter')tell(at,true)};
document.getElementById('in').onclick=()=>zoom(1.25);document.getElementById('out').onclick=()=>zoom(.8);
document.querySelectorAll('[data-by]').forEach(b=>b.onclick=()=>{by=b.dataset.by;document.querySelectorAll('[data-by]').forEach(o=>o.setAttribute('aria-pressed',o===b));paint()});
addEventListener('resize',fit);fit();
"##;
