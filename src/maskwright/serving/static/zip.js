// A zip archive of files as they are, without compression, for a DICOM series that lies in many files.

const TABLE = Uint32Array.from({ length: 256 }, (_, number) => {
  let value = number
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1
  return value >>> 0
})

function checksum(bytes) {
  let value = 0xffffffff
  for (const byte of bytes) value = TABLE[(value ^ byte) & 255] ^ (value >>> 8)
  return (value ^ 0xffffffff) >>> 0
}

/** Numbers of [value, bytes] as little-endian bytes. */
function packed(...fields) {
  const view = new DataView(new ArrayBuffer(fields.reduce((sum, [, size]) => sum + size, 0)))
  let place = 0
  for (const [value, size] of fields) {
    if (size === 2) view.setUint16(place, value, true)
    else view.setUint32(place, value, true)
    place += size
  }
  return new Uint8Array(view.buffer)
}

/** A Blob of the files; their names are numbers, because names of DICOM files may hold those of patients. */
export async function zip(files) {
  if (files.length > 65000) throw new Error('These are too many files.')
  const parts = []
  const directory = []
  let place = 0
  for (const [index, file] of files.entries()) {
    const data = new Uint8Array(await file.arrayBuffer())
    const name = new TextEncoder().encode(`${index}.dcm`)
    // version 20, no flags, stored, 1980-01-01 00:00
    const common = [[20, 2], [0, 2], [0, 2], [0, 2], [33, 2], [checksum(data), 4], [data.length, 4], [data.length, 4], [name.length, 2], [0, 2]]
    parts.push(packed([0x04034b50, 4], ...common), name, data)
    directory.push(packed([0x02014b50, 4], [20, 2], ...common, [0, 2], [0, 2], [0, 2], [0, 4], [place, 4]), name)
    place += 30 + name.length + data.length
    if (place > 0xffff0000) throw new Error('This is more than 4 GB; make a zip archive yourself.')
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0)
  const end = packed([0x06054b50, 4], [0, 2], [0, 2], [files.length, 2], [files.length, 2], [size, 4], [place, 4], [0, 2])
  return new Blob([...parts, ...directory, end], { type: 'application/zip' })
}
