// The table of structures and the buttons to save files.

const cell = (tag, ...inside) => {
  const made = document.createElement(tag)
  made.append(...inside)
  return made
}

/**
 * Fills the table. `answer`: of the service. `toggled(index, shown)`: a structure is to be shown or not; null where
 * they cannot be told apart in the mask.
 */
export function fillTable(table, answer, toggled) {
  const scan = answer.kind !== 'picture'
  table.querySelector('#unit').textContent = scan ? 'ml' : 'px (share)'
  const rows = answer.structures.map((structure, index) => {
    const swatch = cell('span')
    swatch.className = 'swatch'
    swatch.style.background = structure.color
    const label = cell('label', swatch, structure.name)
    const found = (scan ? structure.voxels : structure.pixels) > 0
    if (toggled && found) {
      const box = cell('input')
      box.type = 'checkbox'
      box.checked = true
      box.addEventListener('change', () => toggled(index, box.checked))
      label.prepend(box)
    }
    const amount = cell('td', scan ? millilitres(structure.volume_ml) : pixels(structure))
    amount.className = 'number'
    amount.dataset.value = scan ? structure.volume_ml : structure.pixels
    const row = cell('tr', cell('td', label), amount)
    row.classList.toggle('absent', !found)
    return row
  })
  table.querySelector('tbody').replaceChildren(...rows)
  return answer.structures.some(({ voxels, pixels: count }) => (voxels ?? count) > 0)
}

const millilitres = (value) => value.toLocaleString('en', { minimumFractionDigits: 3, maximumFractionDigits: 3 })
const pixels = ({ pixels: count, share }) => `${count.toLocaleString('en')} (${(100 * share).toFixed(1)} %)`

const TITLES = { 'mask.nii.gz': 'NIfTI', 'mask.dcm': 'DICOM SEG', 'mask.png': 'PNG' }

/** A button for each mask among the files; they are saved under the name of what was opened. */
export function fillDownloads(row, files, stem) {
  const buttons = Object.entries(TITLES)
    .filter(([name]) => files[name])
    .map(([name, title]) => {
      const button = cell('button', title)
      button.addEventListener('click', () => save(files[name], name.replace('mask', `${stem}_mask`)))
      return button
    })
  row.replaceChildren(...buttons)
}

function save(bytes, name) {
  const link = cell('a')
  link.href = URL.createObjectURL(new Blob([bytes]))
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}
