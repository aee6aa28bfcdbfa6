// One object for each cell: what most of its pages are used for, their owner, how full they are, how new in the log.
const cells=[];
for(let i=0;i<F.cells.length;i+=5)for(let k=0;k<F.cells[i];k++)cells.push({use:F.cells[i+1],owner:F.cells[i+2],fill:F.cells[i+3],age:F.cells[i+4]});
const one=id=>document.getElementById(id),canvas=one('map'),draw=canvas.getContext('2d'),about=one('about'),legend=one('legend'),tip=one('tip');
const LEFT=70,SIZE_MIN=3,SIZE_MAX=64;
let by='use',size=0,columns=1,top0=0,at=0,only=null;
const tally={};for(const c of cells)tally[c.owner]=(tally[c.owner]||0)+1;
const ranked=Object.keys(tally).map(Number).filter(o=>o>0).sort((a,b)=>tally[b]-tally[a]);
const rank=new Map(ranked.map((o,i)=>[o,i]));

// The place in the legend of a cell; -1 for what the legend has last.
function place(c){
  if(by==='use')return c.use;
  if(by==='owner')return c.owner===0?-1:Math.min(rank.get(c.owner),F.owner_colours.length);
  const v=by==='fill'?(c.use<5?c.fill:-1):(c.age>0?c.age:-1);
  return v<0?-1:Math.min(5,Math.floor(v*6/101));
}
function colour(p){
  if(p<0)return F.none;
  if(by==='use')return F.uses[p].colour;
  return by==='owner'?F.owner_colours[p]||F.others:F.scale[p];
}
function box(){return canvas.getBoundingClientRect()}
function rowsSeen(){return Math.max(1,Math.floor(box().height/size))}
function rows(){return Math.ceil(cells.length/columns)}
function fit(){
  const b=box(),ratio=devicePixelRatio||1;
  canvas.width=b.width*ratio;canvas.height=b.height*ratio;draw.setTransform(ratio,0,0,ratio,0,0);
  if(!size){
    size=Math.max(SIZE_MIN,Math.min(28,Math.floor(Math.sqrt((b.width-LEFT)*b.height/Math.max(1,cells.length)))));
    while(size>SIZE_MIN&&Math.ceil(cells.length/Math.floor((b.width-LEFT)/size))*size>b.height)size--;
  }
  columns=Math.max(1,Math.floor((b.width-LEFT-8)/size));paint();
}
function mark(path,x,y,ink){
  draw.save();draw.translate(x,y);draw.scale(size-1,size-1);draw.strokeStyle=ink;draw.globalAlpha*=.85;draw.lineWidth=.1;draw.stroke(new Path2D(path));draw.restore();
}
function paint(){
  const b=box(),seen=Math.ceil(b.height/size),style=getComputedStyle(document.documentElement);
  top0=Math.max(0,Math.min(top0,rows()-rowsSeen()));
  draw.clearRect(0,0,b.width,b.height);
  const gap=size>5?1:0,step=Math.max(1,Math.ceil(18/size));
  draw.font='11px system-ui,sans-serif';draw.textAlign='right';draw.textBaseline='middle';
  for(let y=0;y<seen;y++){
    const first=(top0+y)*columns;if(first>=cells.length)break;
    if((top0+y)%step===0){draw.globalAlpha=1;draw.fillStyle=style.getPropertyValue('--soft');draw.fillText((first*F.per_cell+1).toLocaleString('en'),LEFT-8,y*size+size/2)}
    for(let x=0;x<columns;x++){
      const i=first+x;if(i>=cells.length)break;
      const p=place(cells[i]);
      draw.globalAlpha=only===null||only===p?1:.12;
      draw.fillStyle=colour(p);draw.fillRect(LEFT+x*size,y*size,size-gap,size-gap);
      if(by==='use'&&size>=12&&F.uses[p].mark)mark(F.uses[p].mark[0],LEFT+x*size,y*size,F.uses[p].mark[1]);
    }
  }
  draw.globalAlpha=1;
  const x=LEFT+at%columns*size,y=(Math.floor(at/columns)-top0)*size;
  draw.lineWidth=2;draw.strokeStyle=style.getPropertyValue('--ground');draw.strokeRect(x-1,y-1,size+1,size+1);
  draw.strokeStyle=style.getPropertyValue('--ink');draw.strokeRect(x+.5,y+.5,size-2,size-2);
}
function key(){
  legend.replaceChildren();
  const count={};for(const c of cells){const p=place(c);count[p]=(count[p]||0)+1}
  const add=(p,words)=>{
    if(!count[p])return;
    const b=document.createElement('button'),i=document.createElement('i');
    i.style.background=colour(p);b.append(i,words+' '+(100*count[p]/cells.length).toFixed(1)+'%');
    b.setAttribute('aria-pressed',only===p);b.title='show only these';
    b.onclick=()=>{only=only===p?null:p;key();paint()};legend.append(b);
  };
  if(by==='use')F.uses.forEach((u,i)=>add(i,u.name));
  else if(by==='owner'){F.owner_colours.forEach((c,i)=>ranked[i]&&add(i,F.owners[ranked[i]-1]));add(F.owner_colours.length,'all others');add(-1,'no table or index')}
  else{F.scale.forEach((c,i)=>add(i,(by==='fill'?'full ':'log at ')+Math.ceil(i*101/6)+'-'+(Math.ceil((i+1)*101/6)-1)+'%'));add(-1,by==='fill'?'not a tree':'from the file')}
}
function pages(i){const a=i*F.per_cell+1,b=Math.min(F.pages,a+F.per_cell-1);return a===b?'page '+a:'pages '+a+' to '+b}
function words(i){
  const c=cells[i];
  return pages(i)+': '+F.uses[c.use].name+(c.owner?' of '+F.owners[c.owner-1]:'')+(c.use<5?', '+c.fill+'% full':'')+(c.age?', in the log at '+c.age+'%':'');
}
function tell(i,command){
  if(!cells[i])return;
  about.textContent=words(i);
  if(command){const k=document.createElement('code');k.textContent='dbtool page '+F.file+' '+(i*F.per_cell+1);about.append('  ',k)}
}
function under(e){
  const b=box(),x=Math.floor((e.clientX-b.left-LEFT)/size),i=(top0+Math.floor((e.clientY-b.top)/size))*columns+x;
  return x>=0&&x<columns&&i<cells.length?i:-1;
}
function hover(e){
  const i=under(e);tip.hidden=i<0;
  if(i<0)return;
  tip.textContent=words(i);
  const b=box(),x=e.clientX-b.left,y=e.clientY-b.top;
  tip.style.left=(x>b.width/2?x-tip.offsetWidth-12:x+14)+'px';tip.style.top=(y>b.height/2?y-tip.offsetHeight-10:y+16)+'px';
}
function center(){top0=Math.floor(at/columns)-Math.floor(rowsSeen()/2)}
function zoom(f){
  size=Math.max(SIZE_MIN,Math.min(SIZE_MAX,Math.round(f>1?Math.max(size+1,size*f):Math.min(size-1,size*f))));
  columns=Math.max(1,Math.floor((box().width-LEFT-8)/size));center();paint();
}
function select(i,command){
  at=Math.max(0,Math.min(cells.length-1,i));
  const row=Math.floor(at/columns),seen=rowsSeen();
  if(row<top0)top0=row;if(row>=top0+seen)top0=row-seen+1;
  tell(at,command);paint();
}
canvas.onmousemove=hover;
canvas.onmouseleave=()=>{tip.hidden=true};
canvas.onclick=e=>{const i=under(e);if(i>=0){select(i,true);canvas.focus()}};
canvas.addEventListener('wheel',e=>{e.preventDefault();if(e.ctrlKey||e.metaKey){const i=under(e);if(i>=0)at=i;zoom(e.deltaY<0?1.25:.8)}else{top0+=Math.sign(e.deltaY)*3;paint()}hover(e)},{passive:false});
canvas.onkeydown=e=>{
  const k=e.key,page=columns*Math.max(1,rowsSeen()-1),d={ArrowLeft:-1,ArrowRight:1,ArrowUp:-columns,ArrowDown:columns,PageUp:-page,PageDown:page,Home:-cells.length,End:cells.length}[k];
  if(e.ctrlKey||e.metaKey||e.altKey)return;
  if(d){e.preventDefault();select(at+d,false)}else if(k==='+'||k==='=')zoom(1.25);else if(k==='-')zoom(.8);else if(k==='0'){size=0;top0=0;fit()}else if(k==='Enter')tell(at,true);else if(k==='g'){e.preventDefault();one('go').focus()}
};
one('in').onclick=()=>zoom(1.25);one('out').onclick=()=>zoom(.8);one('all').onclick=()=>{size=0;top0=0;fit()};
one('go').onchange=e=>{const n=Number(e.target.value);if(n>=1&&n<=F.pages){select(Math.floor((n-1)/F.per_cell),true);center();paint();canvas.focus()}};
one('go').max=F.pages;
document.querySelectorAll('[data-by]').forEach(b=>b.onclick=()=>{by=b.dataset.by;only=null;document.querySelectorAll('[data-by]').forEach(o=>o.setAttribute('aria-pressed',o===b));key();paint()});
addEventListener('resize',fit);matchMedia('(prefers-color-scheme: dark)').addEventListener('change',paint);
key();fit();
