// What was dropped or chosen: one file, or the files of a DICOM series as a zip archive.

import { zip } from '/static/zip.js'

/** The files of a drop, those in dropped folders too. */
export async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean)
  if (!entries.length) return [...transfer.files]
  return (await Promise.all(entries.map(within))).flat()
}

async function within(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))]
  const reader = entry.createReader()
  const found = []
  for (;;) {
    // A reader gives at most 100 at a time, and none when it is through.
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject))
    if (!some.length) break
    found.push(...some)
  }
  return (await Promise.all(found.map(within))).flat()
}

/** What is to be sent: `{ body, kind, stem }`; kind is `picture`, `nifti` or `dicom`. */
export async function prepare(files) {
  const chosen = files.filter((file) => !file.name.startsWith('.'))
  if (!chosen.length) throw new Error('There is no file in it.')
  if (chosen.length > 1) {
    const series = []
    for (const file of chosen) if ((await kindOf(file)) === 'dicom') series.push(file)
    if (!series.length) throw new Error('These are several files, and no DICOM series.\nDrop one picture or scan.')
    return { body: await zip(series), kind: 'dicom', stem: 'series' }
  }
  const [file] = chosen
  return { body: file, kind: await kindOf(file), stem: file.name.replace(/(\.nii)?\.[^.]+$/i, '') || 'file' }
}

async function kindOf(file) {
  const head = new Uint8Array(await file.slice(0, 352).arrayBuffer())
  const text = (first, last) => String.fromCharCode(...head.slice(first, last))
  if (text(0, 4) === 'PK\x03\x04' || text(128, 132) === 'DICM') return 'dicom'
  if (text(0, 2) === '\x1f\x8b' || text(344, 347) === 'n+1' || text(4, 7) === 'n+2') return 'nifti'
  return 'picture'
}
