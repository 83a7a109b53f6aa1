// The cell with the code of an answer, which the kernel has the front end make: it takes the place of the one that an
// earlier run of the same cell made, unless somebody has changed that.
//
// A cell that was made says so in its metadata: below which cell, and a number of its own id and text. With another
// text, or as a copy, it is the user's, and stays. Both changes follow so closely that one undo takes back both.

const OURS = "g4f_jupyter";

export class Below {
    constructor({ NotebookActions }) {
        this.on = false;
        this.inserted = new WeakSet(); // in the task that runs: nobody but the front end has made them
        this.leaving = new WeakSet(); // replaced, but they run, and go when they have ended well
        NotebookActions.executionScheduled.connect((_, { notebook }) => {
            notebook.model.sharedModel.changed.connect(this.changed, this);
        });
        NotebookActions.executed.connect((_, { notebook, cell, success }) => {
            if (this.on && notebook.widgets.includes(cell)) {
                this.leave(notebook, cell.model.sharedModel, success);
                this.replace(notebook, cell);
            }
        });
    }

    enable(on) {
        this.on = on;
    }

    changed(_, { cellsChange = [] }) {
        for (const cell of cellsChange.flatMap(each => each.insert ?? [])) {
            this.inserted.add(cell);
            setTimeout(() => this.inserted.delete(cell));
        }
    }

    // Have the cell that was made below `cell` in the end of its run stand in the place of earlier ones.
    replace(notebook, cell) {
        const { sharedModel } = notebook.model;
        const index = notebook.widgets.indexOf(cell) + 1;
        const made = sharedModel.cells[index];
        if (!this.inserted.delete(made) || !hasAnswer(cell)) {
            return;
        }
        const earlier = sharedModel.cells.filter(each => each !== made && isMade(each, cell.model.id));
        const same = earlier.find(each => each.getSource() === made.getSource()); // with what is below it
        if (same) {
            remove(notebook, made);
        } else {
            made.setMetadata(OURS, { below: cell.model.id, made: numberOf(made) });
            const place = sharedModel.cells.indexOf(earlier[0]);
            if (place >= 0 && place !== index + 1) {
                notebook.moveCell(index, place);
            }
        }
        for (const each of earlier.filter(other => other !== same)) {
            if (each.executionState === "running") {
                this.leaving.add(each);
            } else {
                remove(notebook, each);
            }
        }
    }

    // Remove a cell that was replaced while it ran. The error of one that failed is to be seen.
    leave(notebook, shared, success) {
        if (this.leaving.delete(shared) && success && isMade(shared, shared.getMetadata(OURS)?.below)) {
            remove(notebook, shared);
        }
    }
}

function remove({ model }, shared) {
    if (shared.execution_count) {
        model.deletedCells.push(shared.id); // the kernel forgets what was asked in it
    }
    model.sharedModel.deleteCell(model.sharedModel.cells.indexOf(shared));
}

// Return whether a cell was made below the cell with the id `above`, and is as it was made.
function isMade(shared, above) {
    const mark = shared.getMetadata(OURS);
    const isKept = shared.getMetadata("deletable") === false;
    return mark?.below === above && mark?.made === numberOf(shared) && !isKept;
}

function numberOf(shared) {
    const text = `${shared.id}\n${shared.getSource()}`;
    return [...text].reduce((number, each) => (Math.imul(number, 31) + each.codePointAt(0)) >>> 0, 7);
}

function hasAnswer(cell) {
    return cell.outputArea.model.toJSON().some(each => each.metadata?.[OURS] !== undefined);
}
