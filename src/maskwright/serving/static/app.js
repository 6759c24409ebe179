// The page: opens files, sends them, shows what comes back.

import { ServiceError, describe, filesOf, segment, setToken } from '/static/api.js'
import { dropped, prepare } from '/static/files.js'
import { fillDownloads, fillTable } from '/static/panel.js'
import { PictureView } from '/static/picture.js'

const $ = (id) => document.getElementById(id)
const stage = $('stage')
const INCLUDE = { picture: ['rle', 'png', 'image'], nifti: ['nifti'], dicom: ['nifti', 'seg', 'scan'] }

let model // what /v1/model says
let view // a PictureView or a VolumeView
let volume // the VolumeView, once there is one: it owns its canvas for good
let working // an AbortController while something is being segmented

function say(text, wrong = false) {
  $('status').textContent = text
  $('status').classList.toggle('wrong', wrong)
}

async function start() {
  try {
    model = await describe()
  } catch (error) {
    if (error.status === 401) return askToken()
    return say(error.message, true)
  }
  $('model').textContent = `${model.classes.slice(1).join(', ')} · ${model.architecture} · ${model.engine}`
  const presets = Object.entries(model.windows).map(([name, [low, high]]) => new Option(name, `${low} ${high}`))
  const own = model.window ? [new Option('the model’s', model.window.join(' '))] : []
  $('preset').replaceChildren(new Option('free', ''), ...presets, ...own)
  say(`Takes ${model.takes.join(', ')}.`)
}

function askToken() {
  const dialog = $('ask-token')
  dialog.showModal()
  dialog.addEventListener('close', () => { setToken($('token').value); start() }, { once: true })
}

async function open(files) {
  if (working || !files.length) return
  working = new AbortController()
  $('welcome').hidden = true
  busy('Reading …')
  try {
    const upload = await prepare(files)
    const answer = await sent(upload)
    busy('Drawing …')
    await show(upload, answer)
    say(`${upload.stem}: done.`)
  } catch (error) {
    say(error.message, true)
    $('welcome').hidden = Boolean(view)
    if (error.status === 401) askToken()
  } finally {
    working = undefined
    $('busy').hidden = true
  }
}

/** The answer; where the service is full, it is asked again when it said. */
async function sent(upload) {
  for (;;) {
    try {
      return await segment(upload.body, INCLUDE[upload.kind], {
        progress: (share) => busy(share < 1 ? 'Sending …' : 'Segmenting …', share < 1 ? share : undefined),
        signal: working.signal,
      })
    } catch (error) {
      if (!(error instanceof ServiceError) || error.status !== 503 || !error.retryAfter) throw error
      busy(`The service is full; again in ${error.retryAfter} s …`)
      await new Promise((resolve) => setTimeout(resolve, 1000 * error.retryAfter))
      if (working.signal.aborted) throw new Error('Given up.')
    }
  }
}

function busy(text, share) {
  $('busy').hidden = false
  $('doing').textContent = text
  if (share === undefined) $('progress').removeAttribute('value')
  else $('progress').value = share
}

async function show(upload, answer) {
  const files = await filesOf(answer)
  const scan = upload.kind !== 'picture'
  document.body.classList.toggle('scan', scan)
  for (const part of document.querySelectorAll('.scan-only')) part.hidden = !scan
  $('panel').hidden = false
  $('scan').hidden = !scan
  $('picture').hidden = scan
  if (scan) await showScan(upload, answer, files)
  else await showPicture(answer, files)
  const apart = !scan || answer.labels.length === answer.structures.length
  const any = fillTable($('structures'), answer, apart ? (index, shown) => view.setShown(index, shown) : null)
  $('nothing').hidden = any
  $('name').textContent = upload.stem
  fillDownloads($('downloads'), files, upload.stem)
  $('opacity').value = 100 * view.opacity
  $('outline').checked = view.outline
  $('shown').checked = view.shown
  refresh()
}

async function showPicture(answer, files) {
  view = new PictureView($('picture'))
  view.load(await createImageBitmap(new Blob([files['image.png']])), answer.size, answer.structures)
}

async function showScan(upload, answer, files) {
  const { VolumeView } = await import('/static/volume.js')
  volume ??= await VolumeView.on($('scan'), { onPlace: told, onWindow: refresh }).catch((error) => {
    throw error instanceof Error ? error : new Error('This browser cannot draw scans (WebGL 2 is needed).')
  })
  view = volume
  const scan = files['scan.nii.gz'] ?? new Uint8Array(await upload.body.arrayBuffer())
  await view.load(scan, files['mask.nii.gz'], answer.labels, model.window)
}

function told({ mm, values }) {
  const [x, y, z] = mm
  const place = `${Math.abs(x).toFixed(0)} ${x < 0 ? 'L' : 'R'}, ${Math.abs(y).toFixed(0)} ${y < 0 ? 'P' : 'A'}, ${z.toFixed(0)} S mm`
  const label = view?.labels?.find(({ number }) => number === values[1]?.value)
  say(`${place}: ${Math.round(values[0]?.value * 100) / 100}${label ? `, ${label.name}` : ''}`)
  slice()
}

function slice() {
  if (view !== volume || !view) return
  const [number, count] = view.slice
  $('slice').max = count - 1
  $('slice').value = number
  $('slice-text').textContent = `${number + 1} / ${count}`
}

/** What the controls show, from what the view has. */
function refresh() {
  const [low, high] = view === volume ? view.window : [view.level - view.width / 2, view.level + view.width / 2]
  $('level').value = Math.round((low + high) / 2)
  $('width').value = Math.round(high - low)
  const own = [...$('preset').options].find(({ value }) => value === `${Math.round(low)} ${Math.round(high)}`)
  $('preset').value = own?.value ?? ''
  $('opacity-text').textContent = `${Math.round(100 * view.opacity)} %`
  for (const button of document.querySelectorAll('[data-view]')) {
    button.setAttribute('aria-pressed', String(button.dataset.view === view.kind))
  }
  slice()
}

function setWindow(level, width) {
  if (!view || !(width > 0) || !Number.isFinite(level)) return
  if (view === volume) view.setWindow(level - width / 2, level + width / 2)
  else { Object.assign(view, { level, width }); view.draw() }
  refresh()
}

function set(change) {
  if (!view) return
  Object.assign(view, change)
  $('outline').checked = view.outline
  $('shown').checked = view.shown
  $('opacity').value = 100 * view.opacity
  view.draw()
  refresh()
}

function setKind(kind) {
  if (view !== volume || !view) return
  view.setKind(kind)
  refresh()
}

const KEYS = {
  ArrowUp: () => step(1),
  ArrowDown: () => step(-1),
  PageUp: () => step(10),
  PageDown: () => step(-10),
  m: () => set({ shown: !view.shown }),
  o: () => set({ outline: !view.outline }),
  '+': () => set({ opacity: Math.min(1, view.opacity + 0.1) }),
  '-': () => set({ opacity: Math.max(0, view.opacity - 0.1) }),
  '[': () => setWindow(Number($('level').value), Number($('width').value) * 0.9),
  ']': () => setWindow(Number($('level').value), Number($('width').value) * 1.1),
  '{': () => setWindow(Number($('level').value) - Number($('width').value) / 20, Number($('width').value)),
  '}': () => setWindow(Number($('level').value) + Number($('width').value) / 20, Number($('width').value)),
  s: () => $('downloads').querySelector('button')?.click(),
  '?': () => $('keys').showModal(),
}
Object.keys({ axial: 0, coronal: 0, sagittal: 0, all: 0, render: 0 }).forEach((kind, index) => {
  KEYS[index + 1] = () => setKind(kind)
})

function step(count) {
  if (view === volume && view) view.setSlice(view.slice[0] + count)
}

document.addEventListener('keydown', (event) => {
  const typing = event.target.matches('input:not([type=checkbox]):not([type=file]), select')
  if (typing || event.ctrlKey || event.altKey || event.metaKey || document.querySelector('dialog[open]')) return
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key
  if (!KEYS[key] || (!view && key !== '?')) return
  event.preventDefault()
  event.stopPropagation() // NiiVue has keys of its own
  KEYS[key]()
}, true)

for (const kind of ['dragover', 'dragleave', 'drop']) {
  document.addEventListener(kind, (event) => {
    event.preventDefault()
    stage.classList.toggle('over', kind === 'dragover')
    if (kind === 'drop') dropped(event.dataTransfer).then(open)
  })
}
for (const id of ['files', 'folder']) {
  $(id).addEventListener('change', () => open([...$(id).files]).then(() => { $(id).value = '' }))
}
$('cancel').addEventListener('click', () => working?.abort())
$('help').addEventListener('click', () => $('keys').showModal())
$('slice').addEventListener('input', () => view.setSlice(Number($('slice').value)))
$('opacity').addEventListener('input', () => set({ opacity: Number($('opacity').value) / 100 }))
$('outline').addEventListener('change', () => set({ outline: $('outline').checked }))
$('shown').addEventListener('change', () => set({ shown: $('shown').checked }))
for (const id of ['level', 'width']) {
  $(id).addEventListener('change', () => setWindow(Number($('level').value), Number($('width').value)))
}
$('preset').addEventListener('change', () => {
  const [low, high] = $('preset').value.split(' ').map(Number)
  if ($('preset').value) setWindow((low + high) / 2, high - low)
})
for (const button of document.querySelectorAll('[data-view]')) {
  button.addEventListener('click', () => setKind(button.dataset.view))
}

start()
