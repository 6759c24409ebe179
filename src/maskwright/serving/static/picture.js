// A picture under its mask, on a canvas of its own pixels.

export class PictureView {
  constructor(canvas) {
    this.canvas = canvas
    this.context = canvas.getContext('2d', { willReadFrequently: true })
    this.opacity = 0.5
    this.outline = false
    this.shown = true
    this.level = 128
    this.width = 256
  }

  /** `image`: an ImageBitmap. `size`: [height, width]. `structures`: of the answer, with run lengths. */
  load(image, size, structures) {
    const [height, width] = size
    this.canvas.width = width
    this.canvas.height = height
    this.context.drawImage(image, 0, 0)
    this.grey = this.context.getImageData(0, 0, width, height)
    this.masks = structures.map(({ rle, color }) => ({
      inside: decode(rle, width * height),
      colour: [1, 3, 5].map((place) => parseInt(color.slice(place, place + 2), 16)),
      shown: true,
    }))
    this.draw()
  }

  setShown(index, shown) {
    this.masks[index].shown = shown
    this.draw()
  }

  draw() {
    const { width, height } = this.canvas
    const drawn = new ImageData(new Uint8ClampedArray(this.grey.data), width, height)
    const data = drawn.data
    const low = this.level - this.width / 2
    const table = Uint8ClampedArray.from({ length: 256 }, (_, value) => ((value - low) * 255) / this.width)
    for (let place = 0; place < data.length; place += 4) {
      for (let channel = 0; channel < 3; channel++) data[place + channel] = table[data[place + channel]]
    }
    for (const { inside, colour, shown } of this.shown ? this.masks : []) {
      if (!shown) continue
      for (let pixel = 0; pixel < inside.length; pixel++) {
        if (!inside[pixel]) continue
        const share = this.outline ? (onEdge(inside, pixel, width, height) ? 1 : 0) : this.opacity
        for (let channel = 0; channel < 3; channel++) {
          const place = 4 * pixel + channel
          data[place] = data[place] * (1 - share) + colour[channel] * share
        }
      }
    }
    this.context.putImageData(drawn, 0, 0)
  }
}

/** Ones and zeros of run lengths: zeros first. */
export function decode(lengths, count) {
  const found = new Uint8Array(count)
  let place = 0
  lengths.forEach((length, index) => {
    if (index % 2) found.fill(1, place, place + length)
    place += length
  })
  return found
}

function onEdge(inside, pixel, width, height) {
  const column = pixel % width
  const row = (pixel - column) / width
  return (
    column === 0 || row === 0 || column === width - 1 || row === height - 1 ||
    !inside[pixel - 1] || !inside[pixel + 1] || !inside[pixel - width] || !inside[pixel + width]
  )
}
