"""Figures: three files each, fonts inside the pdf, columns by rule, colours that can be told apart."""

import re
import zlib

import cv2
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from imdlib.pages import claims, plots, plots_embedding
from imdlib.pages.style import across, plain


@pytest.fixture(autouse=True)
def style():
    """The look of the figures, put back afterwards."""
    with matplotlib.rc_context():
        plots.use_style()
        yield


def streams(pdf):
    """The pdf's bytes with its compressed streams unpacked."""
    found = [pdf]
    for packed in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.S):
        try:
            found.append(zlib.decompress(packed))
        except zlib.error:
            continue
    return b"\n".join(found)


def test_save_writes_png_pdf_with_fonts_and_csv(tmp_path):
    figure, axis = plt.subplots(figsize=(plots.COLUMN, 2))
    axis.plot([0, 1], [0, 1])
    axis.set_title("manipulated or not")
    assert plots.save(figure, {"x": [0, 1], "y": [0, 1 / 3]}, tmp_path, "figure_x") is figure
    files = tmp_path / "figures"
    assert sorted(path.name for path in files.iterdir()) == [
        "captions.tex",
        "figure_x.csv",
        "figure_x.pdf",
        "figure_x.png",
        "figure_x.txt",
    ]
    pdf = streams((files / "figure_x.pdf").read_bytes())
    assert pdf.startswith(b"%PDF") and b"/FontFile2" in pdf and b"/Type3" not in pdf
    assert (files / "figure_x.csv").read_text() == "x,y\n0,0\n1,0.333333\n"
    with Image.open(files / "figure_x.png") as picture:
        assert picture.width == 990 and np.asarray(picture).std() > 0  # 3.3 inches at 300 dpi, and not empty
        assert round(picture.info["dpi"][0]) == 300


def test_the_same_figure_is_the_same_pdf(tmp_path):
    for name in ("a", "b"):
        figure, axis = plt.subplots()
        axis.plot([0, 1])
        plots.save(figure, {"x": [0]}, tmp_path / name, "figure")
    assert (tmp_path / "a/figures/figure.pdf").read_bytes() == (tmp_path / "b/figures/figure.pdf").read_bytes()


DICHROMACY = {  # linear RGB -> linear RGB as seen without one kind of cone (Machado, Oliveira, Fernandes 2009, severity 1)
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}


@pytest.mark.parametrize("eyes", [None, *DICHROMACY])
def test_colours_can_be_told_apart(eyes):
    from skimage.color import rgb2lab

    names = {"palette": plots.PALETTE, "kinds": [plots.TAMPERED, plots.AUTHENTIC, plots.CONTOUR]}
    for colors in names.values():
        rgb = np.array([to_rgb(color) for color in colors])
        if eyes:
            linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
            seen = (linear @ np.array(DICHROMACY[eyes]).T).clip(0, 1)
            rgb = np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)
        lab = rgb2lab(rgb)
        far = np.linalg.norm(lab[:, None] - lab[None], axis=-1) + 1e3 * np.eye(len(lab))
        assert far.min() > 10  # a difference of 2 is just seen


def example(count=7):
    """Pictures of `count` images under two methods, and the scores of these and of one image more."""
    f1 = {"Base": np.linspace(0, 0.3, count), "Ours": np.array([0.5, 0.1, 0.9, 0.3, 0.7, 0.2, 0.4])[:count]}
    mask = np.zeros((8, 8), np.uint8)
    mask[2:5, 2:6] = 1
    picture = {"image": np.full((8, 8, 3), 90, np.uint8), "mask": mask, "map": mask * np.float32(0.8)}
    pictures = {method: {f"toy/{i}.png": picture for i in range(count)} for method in f1}
    rows = [(method, "toy", f"{i}.png", values[i]) for method, values in f1.items() for i in range(count)]
    rows += [(method, "toy", "not_kept.png", 1.0) for method in f1]
    return pictures, pd.DataFrame(rows, columns=["method", "dataset", "image", "f1"])


@pytest.mark.parametrize("count", [2, 3, 5, 7, 20])
def test_columns_run_from_best_to_worst_of_the_last_method(count):
    columns, drawn = plots.choose_columns(*example(), count)
    ours = drawn.loc[drawn["method"] == "Ours", "f1"].tolist()
    assert len(columns) == len(ours) == min(count, 7)
    assert ours[0] == 0.9 and ours[-1] == 0.1 and ours == sorted(ours, reverse=True)
    assert columns[0]["title"] == "2" and columns[0]["captions"] == {"Base": "F1 0.10", "Ours": "F1 0.90"}
    assert columns[-1]["title"] == "1"
    assert len(drawn) == 2 * len(columns)


def test_prediction_grid_draws_every_map_on_the_same_scale():
    columns, _ = plots.choose_columns(*example(), 3)
    figure = plots.prediction_grid(columns, ["Base", "Ours"])
    axes = np.array(figure.axes[:12]).reshape(4, 3)
    assert figure.axes[12].get_ylabel() == "probability" and len(axes[3, 0].collections) == 1  # scale; contour at 0.5
    assert [axis.get_ylabel() for axis in axes[:, 0]] == ["image", "mask", "Base", "Ours"]
    assert all(axis.images[0].get_clim() == (0, 1) for axis in axes[1:].ravel())
    assert all(len(axis.collections) == 1 for axis in axes[0])  # the border of the mask
    assert axes[3, 0].get_title() == "F1 0.90"
    one = plots.prediction_grid(columns[:1], ["Base"])
    assert len(one.axes) == 4  # with the scale of the map


def test_a_map_is_cut_where_its_f1_is_and_the_caption_says_of_what_columns_are():
    pictures, scores = example()
    ours = {key: one | {"map": np.eye(8), "cut": 2.0} for key, one in pictures["Ours"].items()}  # nothing is above
    columns, _ = plots.choose_columns({"Ours": ours}, scores, 2)
    figure = plots.prediction_grid(columns, ["Ours"], cut="Otsu's threshold", within=plots.EACH)
    assert [len(axis.collections) for axis in figure.axes[4:6]] == [0, 0] and not figure.axes[6].lines
    said = figure.get_label()
    assert "F1 at Otsu's threshold" in said and "last method in each data set, chosen" in said
    usual = plots.prediction_grid(plots.choose_columns(pictures, scores, 2)[0], ["Ours"]).get_label()
    assert "F1 at 0.5" in usual and "last method, chosen" in usual


def test_outline_of_nothing_and_of_everything_is_not_drawn():
    figure, axis = plt.subplots()
    for mask in (np.zeros((5, 5)), np.ones((5, 5))):
        plots.outline(axis, mask)
    assert len(axis.collections) == 0


def claim(effect, verdict, low=None, high=None, where="Table 5"):
    low, high = (effect - 0.1 if low is None else low), (effect + 0.1 if high is None else high)
    facts = dict(study="ncl", where=where, statement="better", metric="f1")
    return facts | dict(effect=effect, low=low, high=high, verdict=verdict)


def test_claims_plot_counts_verdicts_and_leaves_out_the_untested():
    nan = float("nan")
    found = [claim(0.3, "supported"), claim(nan, "not tested", nan, nan), claim(0.1, "not tested", nan, nan)]
    found += [claim(-0.3, "contradicted"), claim(0.2, "supported", where="not printed")]
    figure = plots.claims_plot(pd.DataFrame(found))
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["supported (2)", "contradicted (1)"]
    (axis,) = figure.axes
    assert axis.get_title() == "pixel F1" and [text.get_text() for text in axis.get_yticklabels()] == [
        "better",
        "better",
    ]
    dots = [(line.get_xdata()[0], line.get_ydata()[0]) for line in axis.lines if line.get_marker() in "<>"]
    assert dots == [(0.3, 0), (-0.3, 0), (0.2, 1)]  # the check that no paper prints stands last, on a line of its own


def test_claims_plot_has_a_panel_for_each_metric():
    found = pd.DataFrame([claim(0.3, "supported"), claim(0.1, "supported") | {"metric": "auc"}])
    figure = plots.claims_plot(found)
    assert [axis.get_title() for axis in figure.axes] == ["pixel F1", "pixel AUC"]
    assert all(len([line for line in axis.lines if line.get_marker() == ">"]) == 1 for axis in figure.axes)


def test_claims_plot_of_nothing_is_empty_not_an_error(tmp_path):
    figure = plots.claims_plot(claims.read(tmp_path))
    plots.save(figure, {}, tmp_path, "figure_claims")
    assert len(figure.axes) == 1 and len(figure.axes[0].get_yticks()) == 0


def test_interval_panels_show_the_best_of_what_looks_at_no_image():
    rows = pd.DataFrame(
        {
            "method": ["blob", "ones", "Base"] * 2,
            "metric": ["F1"] * 3 + ["AUC"] * 3,
            "value": [0.2, 0.1, 0.4, 0.7, 0.5, 0.6],
        }
    )
    figure = plots.interval_panels(
        rows.assign(low=rows["value"] - 0.05, high=rows["value"] + 0.05), trivial=["blob", "ones"]
    )
    assert [axis.get_title() for axis in figure.axes] == ["F1", "AUC"]
    dashed = [[line.get_xdata()[0] for line in axis.lines if line.get_linestyle() == "--"] for axis in figure.axes]
    assert dashed == [[0.2], [0.7]]
    assert figure.get_label() == "Blue dots: trained. Grey squares: look at no image; dashed: the best of those."


def test_interval_panels_tell_trained_rows_from_others_by_colour_and_shape():
    rows = pd.DataFrame({"method": ["blob", "ELA", "Base"], "metric": "F1", "value": [0.2, 0.3, 0.4]})
    rows = rows.assign(low=rows["value"] - 0.05, high=rows["value"] + 0.05)
    figure = plots.interval_panels(rows, trivial=["blob"], untrained=["ELA", "NOI"], floor=False)
    looks = [(line.get_marker(), line.get_color()) for line in figure.axes[0].lines if line.get_marker() != "None"]
    assert [marker for marker, _ in looks] == ["s", "^", "o"] and len(set(looks)) == 3
    said = "Blue dots: trained. Green triangles: not trained on these images. Grey squares: look at no image."
    assert figure.get_label() == said


def test_a_legend_is_no_wider_than_its_figure():
    assert across(["Base", "Ours"]) == 2 and across(["Base"] * 9) == 4
    assert across(["Baseline+NRR+SCL+AGAP, counter samples"] * 8) == 2 and across(["a" * 200]) == 1


def test_learning_curves_have_a_panel_for_each_column_that_holds_something():
    nan = np.nan
    history = pd.DataFrame(
        {"epoch": [1, 2] * 2, "method": ["a", "a", "b", "b"], "loss": [2.0, 1.0, 2.0, 1.5], "empty": nan}
    )
    history["ncl"] = [nan, nan, 0.5, 0.4]
    wanted = {"loss": "pixel loss", "ncl": "contrast", "empty": "nothing", "absent": "neither"}
    figure = plots.learning_curves(history, wanted)
    loss, ncl = figure.axes
    assert [loss.get_title(), ncl.get_title()] == ["pixel loss", "contrast"]
    drawn = [line for line in loss.lines if len(line.get_xdata())]
    assert [line.get_ydata().tolist() for line in drawn] == [[2.0, 1.0], [2.0, 1.5]]
    alone = [line for line in ncl.lines if len(line.get_xdata()) and not np.isnan(line.get_ydata()).all()]
    assert [line.get_color() for line in alone] == [drawn[1].get_color()]  # b has its colour in every panel
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b"]


def test_each_function_opens_one_figure_and_closing_it_leaves_none():
    columns, _ = plots.choose_columns(*example(), 2)
    rows = pd.DataFrame({"method": ["a"], "metric": ["F1"], "value": [0.1], "low": [0.0], "high": [0.2]})
    history = pd.DataFrame({"epoch": [1, 2], "method": "a", "loss": [2.0, 1.0]})
    for figure in (
        plots.prediction_grid(columns, ["Base"]),
        plots.claims_plot(pd.DataFrame([claim(0.3, "supported")])),
        plots.interval_panels(rows),
        plots.learning_curves(history, {"loss": "loss"}),
    ):
        assert figure.number in plt.get_fignums()
        plt.close(figure)
    assert plt.get_fignums() == []


def test_cross_matrix_frames_the_diagonal_and_leaves_out_what_was_not_run():
    rows = pd.DataFrame(
        [("M", "a", "a", 0.9), ("M", "a", "b", 0.6), ("M", "all", "a", 0.8), ("N", "a", "a", 0.7)],
        columns=["method", "train_set", "test_set", "value"],
    )
    figure = plots.cross_matrix(rows)
    first, second = figure.axes[:2]
    assert [text.get_text() for text in first.texts] == ["0.90", "0.60", "0.80"]
    assert [text.get_text() for text in second.texts] == ["0.70"]
    frames = [patch for patch in first.patches if not patch.get_fill()]
    assert len(frames) == 1 and frames[0].get_xy() == (0, 0)  # 'all' is no test set
    assert [label.get_text() for label in first.get_xticklabels()] == ["a", "b"]


def test_response_draws_one_line_per_method_at_its_values():
    rows = pd.DataFrame(
        [("p", "Base", "0", 0.5), ("p", "Base", "1", 0.7), ("p", "NCL", "1", 0.6), ("q", "NCL", "x", 0.2)],
        columns=["panel", "method", "at", "value"],
    ).assign(low=lambda t: t["value"] - 0.1, high=lambda t: t["value"] + 0.1)
    figure = plots.response(rows, x="at", panel="panel", reference={"p": 0.4})
    left, right = figure.axes
    base, ncl, dashed = left.lines
    assert base.get_ydata().tolist() == [0.5, 0.7] and ncl.get_ydata().tolist() == [0.6]
    assert np.round(base.get_xdata() - np.array([0, 1]), 2).tolist() == [-0.06, -0.06]  # beside each other, in order
    assert dashed.get_ydata()[0] == 0.4 and [label.get_text() for label in left.get_xticklabels()] == ["0", "1"]
    assert len(right.collections) == 2 and len(right.lines) == 2  # Base has no value there: empty, not moved


def test_costs_shows_the_contrast_as_part_of_the_step():
    table = pd.DataFrame({"method": ["Base", "NCL"], "step_ms": [10, 14], "contrast_ms": [0, 3], "kept_mb": [5, 6]})
    time, memory = plots.costs(table).axes
    whole, part = time.patches[1], time.patches[3]
    assert whole.get_width() == 14 and (part.get_x(), part.get_width()) == (11, 3)
    assert [patch.get_width() for patch in memory.patches] == [5, 6]


def test_lines_take_fewer_colours_and_maps_keep_theirs(tmp_path):
    noise = np.random.default_rng(0).random((60, 60, 3))
    figure, axis = plt.subplots(figsize=(2, 2))
    axis.imshow(cv2.GaussianBlur(noise, (0, 0), 4))
    plots.save(figure, {"x": [0]}, tmp_path, "figure_map")
    figure, axis = plt.subplots(figsize=(2, 2))
    axis.plot([0, 1], [0, 1])
    plots.save(figure, {"x": [0]}, tmp_path, "figure_line")
    modes = {}
    for name in ("figure_map", "figure_line"):
        with Image.open(tmp_path / f"figures/{name}.png") as picture:
            modes[name] = picture.mode, len(picture.convert("RGB").getcolors(10**6))
    assert modes["figure_map"][0] != "P" and modes["figure_map"][1] > 1000
    assert modes["figure_line"][0] == "P" and modes["figure_line"][1] <= 256


def numbers(**more):
    """Rows that every figure of numbers takes."""
    rows = pd.DataFrame({"method": ["Base", "NCL"] * 2, "metric": ["pixel F1"] * 2 + ["shuffled AUC"] * 2})
    rows = rows.assign(value=[0.2, 0.4, 0.6, 0.7], test_set="sim-casia", train_set="sim-casia", n=60, seeds=3, **more)
    return rows.assign(low=rows["value"] - 0.05, high=rows["value"] + 0.05)


def drawings():
    """One of each figure: (name, figure, what was drawn)."""
    columns, drawn = plots.choose_columns(*example(), 7)
    history = pd.DataFrame({"epoch": [1, 2], "method": "a", "loss": [2.0, 1.0]})
    costs = pd.DataFrame({"method": ["a"], "step_ms": [3], "contrast_ms": [1], "kept_mb": [2]})
    plane = dict.fromkeys(["a, t-SNE", "b, t-SNE"], np.random.default_rng(0).normal(size=(9, 2)))
    yield "grid", plots.prediction_grid(columns, ["Base", "Ours"]), drawn
    yield "claims", plots.claims_plot(pd.DataFrame([claim(0.3, "supported")])), pd.DataFrame([claim(0.3, "supported")])
    yield "intervals", plots.interval_panels(numbers(), trivial=["Base"]), numbers()
    yield "response", plots.response(numbers(), x="test_set", panel="metric"), numbers()
    yield "matrix", plots.cross_matrix(numbers().query("metric == 'pixel F1'")), numbers()
    yield "curves", plots.learning_curves(history, {"loss": "loss"}), history
    yield "costs", plots.costs(costs), costs
    yield "plane", plots_embedding.scatter(plane, [0, 1, 2] * 3), plots_embedding.rows(plane, [0, 1, 2] * 3)


def test_every_figure_is_as_wide_as_a_page_has_no_small_text_and_says_how_it_is_read(tmp_path):
    for name, figure, drawn in drawings():
        plots.save(figure, drawn, tmp_path, f"figure_{name}")
        with Image.open(tmp_path / f"figures/figure_{name}.png") as picture:
            assert picture.width == round(plots.PAGE * 300) and picture.height <= 9.3 * 300, name
        sizes = {text.get_fontsize() for text in figure.findobj(matplotlib.text.Text) if text.get_text()}
        assert min(sizes) >= plots.SMALL, name
        said = (tmp_path / f"figures/figure_{name}.txt").read_text()
        assert len(figure.get_label()) > 20 and figure.get_label() in said, name
    assert "60 test images and 3 seeds." in (tmp_path / "figures/figure_response.txt").read_text()


def test_sets_without_an_order_are_not_joined_and_numbers_are():
    apart = plots.response(numbers(), x="test_set", panel="metric")
    assert {line.get_linewidth() for line in apart.axes[0].lines} == {0}
    joined = plots.response(numbers(at=["none", "1", "none", "1"]), x="at", panel="metric")
    assert {line.get_linewidth() for line in joined.axes[0].lines} == {1}
    assert len({line.get_marker() for line in joined.axes[0].lines}) == 2  # shapes as well as colours


def test_two_metrics_do_not_share_a_scale_of_colours():
    rows = numbers().assign(method=["Base", "NCL", "the paper", "the paper"]).iloc[:3]
    figure = plots.cross_matrix(rows.assign(metric=["shuffled AUC", "shuffled AUC", "pixel AUC"]))
    limits = [axis.collections[0].get_clim() for axis in figure.axes[:3]]
    assert limits[0] == limits[1] == (0.2, 0.4) and limits[2] == (0.5, 0.6)


def test_width_and_language_are_those_that_were_asked_for(tmp_path):
    plots.use_style("column", "de")
    figure = plots.interval_panels(numbers())
    plots.save(figure, numbers(), tmp_path / "ncl", "figure_x")
    assert [axis.get_title() for axis in figure.axes] == ["Pixel-F1", "gemischte AUC"]
    above, below = (axis.get_position() for axis in figure.axes)
    assert below.y1 < above.y0  # panels stand below each other in a column
    with Image.open(tmp_path / "ncl/figures/figure_x.png") as picture:
        assert picture.width == 990
    for wrong in (dict(width="wide"), dict(language="xx"), dict(style="loud")):
        with pytest.raises(ValueError, match=f"{[*wrong][0]}=.*expected one of"):
            plots.use_style(**wrong)
    plots.use_style()


def test_images_of_several_sets_never_bear_one_name():
    pictures, scores = example(2)
    more = {
        method: some | {key.replace("toy", "other"): one for key, one in some.items()}
        for method, some in pictures.items()
    }
    both = pd.concat([scores, scores.assign(dataset="other")])
    columns, _ = plots.choose_columns(more, both, 4)
    assert len({column["title"] for column in columns}) == len(columns) == 4


def test_signs_of_mathematics_in_a_name_are_text(tmp_path):
    plots.use_style()
    figure, axis = plots.plt.subplots()
    plots.picture(axis, np.zeros((4, 4)), r"$\frac{1$ $_1")
    axis.set_xlabel("$x_")
    axis.set(yscale="log", ylim=(1e-5, 10))
    plots.save(figure, [{"image": "=1"}], tmp_path, "$_1")
    assert (tmp_path / "figures" / "$_1.png").is_file() and "'=1" in (tmp_path / "figures" / "$_1.csv").read_text()
    numbers = {label.get_text() for label in axis.get_yticklabels()}
    assert "0.1" in numbers and not any("$" in number for number in numbers)
    assert "captions.tex" in {path.name for path in (tmp_path / "figures").iterdir()}
    assert "$_1.pdf" not in (tmp_path / "figures" / "captions.tex").read_text()  # LaTeX takes no such name


def test_ticks_between_two_powers_are_plain_numbers():
    figure, axis = plots.plt.subplots()
    axis.set(yscale="log", ylim=(0.25, 7))
    plain(figure)
    figure.draw_without_rendering()
    labels = {tick.get_text() for tick in axis.get_yticklabels(which="both")}
    assert {"1", "0.4", "6"} <= labels and not any("e" in label for label in labels)


def test_columns_of_a_grid_leave_out_what_has_no_f1_and_may_be_none():
    blank = np.zeros((4, 4))
    kept = {"Base": {f"a/{k}.png": dict(image=blank, mask=blank, map=blank) for k in range(3)}}
    scores = pd.DataFrame(dict(method="Base", dataset="a", image=[f"{k}.png" for k in range(3)], f1=[0.2, np.nan, 0.7]))
    columns, drawn = plots.choose_columns(kept, scores, 8)
    assert drawn["f1"].tolist() == [0.7, 0.2] and len(columns) == 2
    assert plots.choose_columns(kept, scores, -1)[0] == []


def test_a_run_that_has_ended_stays_in_the_mean_of_its_curve():
    epochs = {"a": [1, 2, 3, 4], "b": [1, 2]}
    history = pd.concat(
        [pd.DataFrame(dict(run=run, method="M", epoch=ends, loss=float(len(ends)))) for run, ends in epochs.items()]
    )
    figure = plots.learning_curves(history, {"loss": "loss"})
    (line, *_) = figure.axes[0].lines
    assert line.get_ydata().tolist() == [3.0] * 4 and "means over 2 seeds" in figure.get_label()
