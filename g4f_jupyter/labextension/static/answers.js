// What is shown below a cell that asks: an answer is announced when it is complete; what is unfolded and what is
// selected stays so while it grows, though each frame makes its nodes anew; its code blocks can be copied.
//
// Answers are read here as text, from nodes that the front end has made safe. No HTML is made of them.

const ASKS = /^[ \t]*(?:\w+[ \t]*=[ \t]*)?%%?chat(?:_\w+)?(?=\s|$)/m;
const OURS = "g4f_jupyter"; // in the metadata of a complete answer
const OUTPUT = ".jp-OutputArea-output";
const HEARD = 120;

export class Answers {
    constructor({ Clipboard, NotebookActions }, notebooks) {
        this.copy = text => Clipboard.copyToSystem(text);
        this.notebooks = notebooks;
        this.on = false;
        this.watched = new Map();
        this.live = element("div", { className: "g4f-heard", role: "status", ariaLive: "polite" });
        document.body.append(this.live);
        notebooks.forEach(panel => this.follow(panel));
        notebooks.widgetAdded.connect((_, panel) => this.follow(panel));
        NotebookActions.executionScheduled.connect((_, { cell }) => this.look(cell));
        NotebookActions.executed.connect((_, { cell, success }) => this.ended(cell, success));
        for (const [event, heard] of Object.entries({ pointerdown: "pressed", pointerup: "released", click: "clicked" })) {
            document.addEventListener(event, each => this.on && this.watcher(each.target)?.[heard](each), true);
        }
        document.addEventListener("selectionchange", () => this.on && this.selected());
    }

    enable(on) {
        this.on = on;
        this.watched.forEach(watcher => watcher.stop());
        this.watched.clear();
        this.notebooks.forEach(panel => this.lookAll(panel));
    }

    // Look at the cells of a notebook once it is loaded, and when there are others.
    async follow(panel) {
        await panel.context.ready;
        if (!panel.isDisposed) {
            panel.content.model.cells.changed.connect(() => this.lookAll(panel));
            this.lookAll(panel);
        }
    }

    lookAll(panel) {
        panel.content.widgets.forEach(cell => this.look(cell));
    }

    // Watch what is below a cell, if it is ours.
    look(cell) {
        const isOurs = () => asks(cell) || outputs(cell).some(isMarked);
        if (this.on && cell.outputArea && !this.watched.has(cell.outputArea.node) && isOurs()) {
            const { node } = cell.outputArea;
            this.watched.set(node, new Watcher(cell, block => this.copied(block)));
            cell.disposed.connect(() => {
                this.watched.get(node)?.stop();
                this.watched.delete(node);
            });
        }
    }

    ended(cell, success) {
        this.look(cell);
        if (!this.watched.has(cell.outputArea?.node)) {
            return;
        }
        const shown = outputs(cell);
        const answer = shown.findLast(isMarked);
        const error = shown.findLast(each => each.type === "error")?.toJSON();
        if (!success && error) {
            this.say(`${error.ename}: ${error.evalue}`);
        } else if (success && answer) {
            this.say(`Answer complete: ${[answer.data["text/plain"] ?? ""].flat().join("")}`);
        }
    }

    // Have a screen reader say the beginning of a text, once it has said what it is at.
    say(text) {
        const words = text.replace(/\s+/g, " ").trim();
        const end = words.length > HEARD ? words.lastIndexOf(" ", HEARD) : words.length;
        this.live.replaceChildren(words.slice(0, end < 0 ? HEARD : end) + (end < words.length ? " …" : ""));
    }

    copied(block) {
        this.copy(block.textContent.replace(/\n$/, ""));
        this.say("Copied");
    }

    watcher(node) {
        return this.watched.get(node.closest?.(".jp-OutputArea"));
    }

    selected() {
        const selection = document.getSelection();
        const node = selection.anchorNode;
        if (node && !selection.isCollapsed) {
            this.watcher(node.parentElement ?? node)?.remember(selection);
        }
    }
}

// Keeps what a reader has done to the outputs of one cell.
class Watcher {
    constructor(cell, copied) {
        this.cell = cell;
        this.node = cell.outputArea.node;
        this.copied = copied;
        this.folds = new WeakMap(); // of each output: which of its folds a reader has opened or closed
        this.observer = new MutationObserver(() => this.changed());
        this.changed();
    }

    stop() {
        this.observer.disconnect();
        this.node.querySelectorAll(".g4f-copy").forEach(each => each.parentElement.remove());
    }

    changed() {
        this.observer.disconnect(); // what is done here is not looked at again
        for (const output of this.node.querySelectorAll(OUTPUT)) {
            this.unfold(output);
        }
        this.select();
        const isOurs = asks(this.cell);
        this.cell.outputArea.widgets.forEach((widget, index) => {
            if (isOurs || isMarked(this.cell.outputArea.model.get(index))) {
                this.addButtons(widget.node);
            }
        });
        this.observer.observe(this.node, { childList: true, subtree: true });
    }

    // Folds.

    pressed({ target }) {
        this.selection = undefined;
        this.press = { fold: foldOf(target), at: placeOf(foldOf(target)) };
    }

    // Where a frame has replaced a fold between the press and the release, no click follows.
    released({ target }) {
        const { fold, at } = this.press ?? {};
        if (fold && !fold.isConnected && at === placeOf(foldOf(target))) {
            this.clicked({ target });
            this.unfold(target.closest(OUTPUT));
        }
    }

    clicked({ target }) {
        const fold = foldOf(target);
        if (fold) {
            const output = fold.closest(OUTPUT);
            this.focus = { output, index: placeOf(fold) };
            this.folds.set(output, (this.folds.get(output) ?? new Map()).set(placeOf(fold), !fold.open));
        }
    }

    unfold(output) {
        const found = folds(output);
        this.folds.get(output)?.forEach((isOpen, index) => {
            if (found[index] && found[index].open !== isOpen) {
                found[index].open = isOpen;
            }
        });
        if (this.focus?.output === output && document.activeElement === document.body) {
            found[this.focus.index]?.querySelector("summary")?.focus({ preventScroll: true });
        }
    }

    // The selection: where it is in the text of an output.

    remember({ anchorNode, anchorOffset, focusNode, focusOffset }) {
        const output = anchorNode.parentElement?.closest(OUTPUT);
        if (output?.contains(focusNode)) {
            const [anchor, focus] = [offset(output, anchorNode, anchorOffset), offset(output, focusNode, focusOffset)];
            const text = output.textContent.slice(Math.min(anchor, focus), Math.max(anchor, focus));
            this.selection = { output, anchor, focus, text };
        }
    }

    select() {
        const { output, anchor, focus, text } = this.selection ?? {};
        const selection = document.getSelection();
        const isLost = selection.isCollapsed || !selection.anchorNode?.isConnected;
        const isThere = output?.textContent.slice(Math.min(anchor, focus), Math.max(anchor, focus)) === text;
        if (output?.isConnected && isLost && isThere) {
            selection.setBaseAndExtent(...place(output, anchor), ...place(output, focus));
        }
    }

    // Copying.

    addButtons(output) {
        for (const block of output.querySelectorAll(".jp-RenderedMarkdown pre > code")) {
            const code = block.parentElement;
            if (code.previousElementSibling?.className !== "g4f-place") {
                const button = element("button", { className: "g4f-copy", type: "button", ariaLabel: "Copy code" });
                button.addEventListener("click", () => this.copied(block));
                button.addEventListener("keydown", event => isPress(event) && event.stopPropagation()); // a shortcut else
                const place = element("div", { className: "g4f-place" });
                place.append(button);
                code.before(place);
            }
        }
    }
}

function element(name, properties) {
    return Object.assign(document.createElement(name), properties);
}

function asks(cell) {
    return ASKS.test(cell.model?.sharedModel.getSource() ?? "");
}

// Return the models of what is below a cell.
function outputs(cell) {
    const { length } = cell.outputArea.model;
    return Array.from({ length }, (_, index) => cell.outputArea.model.get(index));
}

function isMarked(output) {
    return output?.metadata[OURS] !== undefined;
}

function isPress(event) {
    return event.key === "Enter" || event.key === " ";
}

function foldOf(node) {
    return node.closest?.("summary")?.closest("details");
}

function folds(output) {
    return [...output.querySelectorAll("details")];
}

// Return its number among the folds of its output.
function placeOf(fold) {
    return fold && folds(fold.closest(OUTPUT)).indexOf(fold);
}

// Return how many characters of an output are before a point of the document.
function offset(output, node, at) {
    const range = document.createRange();
    range.setStart(output, 0);
    range.setEnd(node, at);
    return range.toString().length;
}

// Return the point that has so many characters of an output before it.
function place(output, count) {
    const walker = document.createTreeWalker(output, NodeFilter.SHOW_TEXT);
    let left = count;
    while (walker.nextNode() && left > walker.currentNode.length) {
        left -= walker.currentNode.length;
    }
    return [walker.currentNode, Math.min(left, walker.currentNode.length ?? 0)];
}
