// A scan under its label map, by NiiVue.

import { DRAG_MODE, MULTIPLANAR_TYPE, NVImage, Niivue, SHOW_RENDER, SLICE_TYPE } from '/static/vendor/niivue.js'

const LABELS = 1002 // NIfTI's intent code of a label map; NiiVue draws others as grey levels
const TYPES = {
  axial: SLICE_TYPE.AXIAL,
  coronal: SLICE_TYPE.CORONAL,
  sagittal: SLICE_TYPE.SAGITTAL,
  all: SLICE_TYPE.MULTIPLANAR,
  render: SLICE_TYPE.RENDER,
}
// Which axis of NiiVue's (left-right, back-front, foot-head) the slices of a view lie along.
const AXES = { axial: 2, coronal: 1, sagittal: 0, all: 2, render: 2 }

export class VolumeView {
  /** `onPlace(text)`: told where the cross is; `onWindow(low, high)`: the window was changed by the mouse. */
  static async on(canvas, { onPlace, onWindow }) {
    const view = new VolumeView()
    const nv = new Niivue({
      backColor: [0, 0, 0, 1],
      crosshairColor: [0.75, 0.88, 1, 0.7],
      crosshairWidth: 0.5,
      show3Dcrosshair: false,
      isRadiologicalConvention: true,
      multiplanarShowRender: SHOW_RENDER.ALWAYS,
      multiplanarLayout: MULTIPLANAR_TYPE.AUTO,
      dragAndDropEnabled: false,
      logLevel: 'error',
      loadingText: '',
      viewModeHotKey: '',
      clipPlaneHotKey: '',
      cycleClipPlaneHotKey: '',
    })
    // Labels by their nearest voxel, or borders would take the colours of labels between; the scan stays smooth.
    const update = nv.updateInterpolation.bind(nv)
    nv.updateInterpolation = (layer, force) => update(layer, force || layer === 0)
    nv.setMouseEventConfig({
      leftButton: { primary: DRAG_MODE.crosshair },
      rightButton: DRAG_MODE.windowing,
      centerButton: DRAG_MODE.pan,
    })
    nv.onLocationChange = (place) => {
      view.place = place
      onPlace(place)
    }
    nv.onMouseUp = () => nv.volumes[0] && onWindow(nv.volumes[0].cal_min, nv.volumes[0].cal_max)
    await nv.attachToCanvas(canvas)
    nv.setInterpolation(true)
    view.nv = nv
    view.kind = 'axial'
    view.opacity = 0.5
    view.outline = false
    view.shown = true
    return view
  }

  /**
   * `scan`, `mask`: bytes of NIfTI files. `labels`: number, name and colour of each. `window`: [low, high], or null.
   */
  async load(scan, mask, labels, window) {
    const nv = this.nv
    while (nv.volumes.length) nv.removeVolumeByIndex(nv.volumes.length - 1)
    const gzipped = (bytes) => new Uint8Array(bytes.slice(0, 2)).join() === '31,139'
    const name = (stem, bytes) => `${stem}.nii${gzipped(bytes) ? '.gz' : ''}`
    const range = window ? { cal_min: window[0], cal_max: window[1] } : {}
    nv.addVolume(await NVImage.loadFromUrl({ url: scan, name: name('scan', scan), colormap: 'gray', ...range }))
    const overlay = await NVImage.loadFromUrl({ url: mask, name: name('mask', mask), opacity: this.opacity })
    overlay.hdr.intent_code = LABELS
    this.labels = labels.map((label) => ({ ...label, shown: true }))
    overlay.setColormapLabel(this.colours())
    nv.addVolume(overlay)
    this.setKind('axial')
    // The cross's width is in voxels; this is about as many pixels in every scan.
    nv.setCrosshairWidth(Math.min(1, Math.max(...nv.volumes[0].dimsRAS.slice(1, 4)) / 250))
    this.goTo(this.fullest() ?? [0.5, 0.5, 0.5])
    this.draw()
  }

  /** NiiVue's table of colours; it must begin at 0, which is transparent. */
  colours() {
    const most = Math.max(...this.labels.map(({ number }) => number))
    const table = { R: [], G: [], B: [], A: [], I: [], labels: [] }
    for (let number = 0; number <= most; number++) {
      const label = this.labels.find((one) => one.number === number)
      const colour = label ? [1, 3, 5].map((place) => parseInt(label.color.slice(place, place + 2), 16)) : [0, 0, 0]
      table.R.push(colour[0])
      table.G.push(colour[1])
      table.B.push(colour[2])
      table.A.push(label?.shown ? 255 : 0)
      table.I.push(number)
      table.labels.push(label?.name ?? '')
    }
    return table
  }

  get window() {
    const { cal_min: low, cal_max: high } = this.nv.volumes[0]
    return [low, high]
  }

  setWindow(low, high) {
    Object.assign(this.nv.volumes[0], { cal_min: low, cal_max: high })
    this.nv.updateGLVolume()
  }

  setKind(kind) {
    this.kind = kind
    this.nv.setSliceType(TYPES[kind])
    this.draw()
  }

  setShown(index, shown) {
    this.labels[index].shown = shown
    this.nv.volumes[1].setColormapLabel(this.colours())
    this.nv.updateGLVolume()
  }

  draw() {
    const solid = this.kind === 'render' // what is found shines through the body
    const outline = this.outline && this.shown && !solid
    this.nv.setOpacity(0, solid ? 0.35 : 1)
    this.nv.setAtlasOutline(outline ? 1 : 0)
    this.nv.setOpacity(1, !this.shown || outline ? 0 : solid ? 1 : this.opacity)
  }

  /** Slices along the axis of the view: [number of the one that is shown, how many there are]. */
  get slice() {
    const axis = AXES[this.kind]
    const count = this.nv.volumes[0].dimsRAS[axis + 1]
    return [Math.min(count - 1, Math.floor(this.nv.scene.crosshairPos[axis] * count)), count]
  }

  setSlice(number) {
    const axis = AXES[this.kind]
    const place = [...this.nv.scene.crosshairPos]
    const count = this.nv.volumes[0].dimsRAS[axis + 1]
    place[axis] = (Math.min(Math.max(number, 0), count - 1) + 0.5) / count
    this.goTo(place)
  }

  /** The middle of the mask in the slice that holds most of it; null where it is empty. */
  fullest() {
    const { img, hdr } = this.nv.volumes[1]
    const [, columns, rows, slices] = hdr.dims
    const counts = new Array(slices).fill(0)
    for (let index = 0; index < img.length; index++) if (img[index]) counts[Math.floor(index / (columns * rows))]++
    const most = Math.max(...counts)
    if (!most) return null
    const chosen = counts.indexOf(most)
    const sums = [0, 0]
    for (let index = 0; index < columns * rows; index++) {
      if (!img[chosen * columns * rows + index]) continue
      sums[0] += index % columns
      sums[1] += Math.floor(index / columns)
    }
    const place = [sums[0] / most, sums[1] / most, chosen, 1]
    const millimetres = hdr.affine.slice(0, 3).map((row) => row.reduce((sum, value, axis) => sum + value * place[axis], 0))
    return [...this.nv.mm2frac(millimetres)].slice(0, 3)
  }

  goTo(place) {
    this.nv.scene.crosshairPos = place
    this.nv.createOnLocationChange()
    this.nv.drawScene()
  }
}
