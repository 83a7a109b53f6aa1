// The cell that a question is written in: prose, in the editor of a code cell.
//
// One compartment at the front of each editor holds what makes it prose. It is filled and emptied in the very
// transaction that changes the text, so nothing is ever seen as what it is not; history and cursor are not touched, and
// neither the notebook nor the type of the cell knows of it.

const CELL = /^\s*%%chat(?=\s|$)/;
const LINE = /^([ \t]*(?:\w+[ \t]*=[ \t]*)?)(%chat(?:_fix)?)[ \t]/;
const LINES = new RegExp(`${LINE.source}.*`, "gm");

export class Prose {
    constructor(found, languages) {
        this.found = found;
        this.languages = languages;
        this.on = false;
        this.views = new Set();
        this.compartment = new found.Compartment();
        // What is in the compartment: by itself, and with the language once that is loaded
        this.forms = { code: [], cell: this.editing(() => true), lines: [this.editing(isLine), this.magicWords()] };
        this.loading = {};
    }

    // Return what the registry of the front end asks for: an extension that takes no options.
    builder() {
        return { instance: () => this.extension(), reconfigure: () => null };
    }

    enable(on) {
        this.on = on;
        this.views.forEach(view => this.refresh(view));
    }

    extension() {
        const { EditorState, Prec, ViewPlugin } = this.found;
        const known = ViewPlugin.define(view => {
            this.views.add(view);
            queueMicrotask(() => this.refresh(view)); // a view cannot be changed while it is made
            return { destroy: () => this.views.delete(view) };
        });
        const changing = EditorState.transactionExtender.of(change => {
            const effect = change.docChanged ? this.change(change.startState, change.newDoc) : null;
            return effect && { effects: effect };
        });
        return [Prec.highest(this.compartment.of([])), known, changing];
    }

    refresh(view) {
        const effects = this.views.has(view) ? this.change(view.state, view.state.doc) : null;
        if (effects) {
            view.dispatch({ effects });
        }
    }

    // Return the effect that gives `text` its form, or null where it has it.
    change(state, text) {
        const kind = this.on ? kindOf(text.toString()) : "code";
        if (kind !== "code") {
            this.load(kind);
        }
        const form = this.forms[kind];
        return this.compartment.get(state) === form ? null : this.compartment.reconfigure(form);
    }

    // Have the form get its language. It is loaded when the first cell needs it.
    async load(kind) {
        if (this.loading[kind]) {
            return;
        }
        this.loading[kind] = true;
        const cell = kind === "cell";
        try {
            const { support } = await this.languages.getLanguage(cell ? "text/x-ipythongfm" : "text/x-ipython");
            this.forms[kind] = [this.forms[kind], cell ? this.markdown(support) : this.python(support)];
            this.views.forEach(view => this.refresh(view));
        } catch (error) {
            console.debug("g4f-jupyter: no language for prose:", error);
        }
    }

    // Wrapping, and no closing of brackets and quotes where `isProse` says so of a line's text. The line with `%%chat`
    // is not prose.
    editing(isProse) {
        const { EditorState, EditorView } = this.found;
        const closing = EditorState.languageData.of((state, position) => {
            const { text } = state.doc.lineAt(position);
            return isProse(text) && !CELL.test(text) ? [{ closeBrackets: { brackets: [] } }] : [];
        });
        return [EditorView.lineWrapping, closing];
    }

    // Markdown of the front end; its first line is a magic, and values in braces are seen.
    markdown({ language, support }) {
        const { Language, LanguageSupport, tags } = this.found;
        const magic = (context, line) => {
            if (context.lineStart > 0 || !CELL.test(line.text)) {
                return false;
            }
            context.addElement(context.elt("ChatMagic", 0, line.text.length));
            context.nextLine();
            return true;
        };
        const value = (context, next, position) => {
            const braces = next === 123 && /^\{[^{}\n]+\}/.exec(context.slice(position, context.end));
            return braces ? context.addElement(context.elt("ChatValue", position, position + braces[0].length)) : -1;
        };
        const parser = language.parser.configure({
            defineNodes: [
                { name: "ChatMagic", block: true, style: tags.meta },
                { name: "ChatValue", style: tags.special(tags.string) },
            ],
            parseBlock: [{ name: "ChatMagic", parse: magic, before: "IndentedCode" }],
            parseInline: [{ name: "ChatValue", parse: value, before: "Emphasis" }],
        });
        return new LanguageSupport(new Language(language.data, parser, [], "markdown"), support);
    }

    // Python of the front end, for which lines with `%chat` are blank; the line below one is indented as it is.
    python({ language }) {
        const { Language, Parser, indentService } = this.found;
        class Blanking extends Parser {
            createParse(input) {
                const text = input.read(0, input.length).replace(LINES, line => " ".repeat(line.length));
                return language.parser.startParse(text, []);
            }
        }
        const indentation = indentService.of((context, position) => {
            const line = context.state.doc.lineAt(position);
            return isLine(line.text) ? context.lineIndent(line.from) : undefined;
        });
        return [new Language(language.data, new Blanking(), [], "python"), indentation];
    }

    magicWords() {
        const { Decoration, MatchDecorator, ViewPlugin } = this.found;
        const mark = Decoration.mark({ class: "g4f-magic" });
        const matcher = new MatchDecorator({
            regexp: new RegExp(LINE, "gm"),
            decorate: (add, from, to, [, before, word]) => {
                add(from + before.length, from + before.length + word.length, mark);
            },
        });
        const marks = view => ({
            marks: matcher.createDeco(view),
            update(change) {
                this.marks = matcher.updateDeco(change, this.marks);
            },
        });
        return ViewPlugin.define(marks, { decorations: each => each.marks });
    }
}

function kindOf(text) {
    if (CELL.test(text)) {
        return "cell";
    }
    return text.search(LINES) >= 0 ? "lines" : "code";
}

function isLine(text) {
    return LINE.test(text);
}
