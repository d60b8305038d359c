"""Joining, repeating and looking up: by the same indices for all samples, or by each sample's own."""

from lazyregime.kernels.empirical.proof._rules import Call, aligned, normal, rule
from lazyregime.kernels.empirical.proof._views import Kind, Rows, Type, View


def _join(call: Call, tensors: list[View], dim: int) -> Type:
    """The samples of all, beside each other; constants must be the same for all samples."""
    kept = [view for view in tensors if view.sizes != (0,)]
    if len({view.ndim for view in kept}) > 1:
        return Kind.MIXED
    found = {rows for view in kept if (rows := call.rows(view)) is not None}
    if len(found) != 1 or (rows := found.pop()).dim == dim:
        return Kind.MIXED
    ok = all(
        call.rows(view) is not None or call.type(view) is Kind.UNIFORM or view.strides[rows.dim] == 0 for view in kept
    )
    return rows if ok else Kind.MIXED


@rule("cat", "concat", "_cat")
def cat(call: Call) -> Type:
    """Along an existing dimension."""
    tensors = list(call.named["tensors"])
    return _join(call, tensors, normal(call.named["dim"], max(view.ndim for view in tensors)))


@rule("stack")
def stack(call: Call) -> Type:
    """Along a new dimension."""
    tensors = list(call.named["tensors"])
    found = _join(call, tensors, -1)
    dim = normal(call.named["dim"], tensors[0].ndim + 1)
    return Rows(found.dim + (dim <= found.dim), found.inner) if isinstance(found, Rows) else found


@rule("_unsafe_view", "reshape", "_reshape_alias")
def reshaped(call: Call) -> Type:
    """A copy that is looked at anew: its geometry says where the samples are."""
    x, out = call.operands[0], call.out()
    rows = call.rows(x)
    if rows is None or out is None:
        return Kind.MIXED
    inside = rows.inner
    for size in x.sizes[rows.dim + 1 :]:
        inside *= size
    for dim in range(out.ndim):
        below = 1
        for size in out.sizes[dim + 1 :]:
            below *= size
        if below and inside % below == 0:
            inner = inside // below
            outer_in = 1
            for size in x.sizes[: rows.dim]:
                outer_in *= size
            n = x.sizes[rows.dim] // rows.inner
            if out.sizes[dim] % (inner * n) == 0:
                return Rows(dim, inner)
    return Kind.MIXED


@rule("repeat", "tile")
def repeat(call: Call) -> Type:
    """Each sample's part again and again, along other dimensions."""
    x = call.named["self"]
    rows, times = call.rows(x), list(call.named["repeats"])
    if rows is None:
        return Kind.MIXED
    dim = rows.dim + len(times) - x.ndim
    return Rows(dim, rows.inner) if times[dim] == 1 else Kind.MIXED


@rule("repeat_interleave")
def repeat_interleave(call: Call) -> Type:
    """By one number, along a dimension."""
    x = call.named.get("self")
    rows = call.rows(x)
    if rows is None or x is None or not isinstance(call.named.get("repeats"), int) or call.named.get("dim") is None:
        return Kind.MIXED
    dim = normal(call.named["dim"], x.ndim)
    return Rows(dim, rows.inner * call.named["repeats"]) if dim == rows.dim else rows


@rule("embedding")
def embedding(call: Call) -> Type:
    """Rows of a table."""
    rows = call.rows(call.named["indices"])
    return rows if rows is not None and call.fixed("weight") else Kind.MIXED


@rule("index_select")
def index_select(call: Call) -> Type:
    """Whole slices: the same ones of each sample, or of a table those that each sample names."""
    x, index = call.named["self"], call.named["index"]
    rows, dim = call.rows(x), normal(call.named["dim"], max(1, call.named["self"].ndim))
    named = call.rows(index)
    if named is not None and rows is None:
        return Rows(dim, named.inner)
    return rows if rows is not None and named is None and rows.dim != dim else Kind.MIXED


@rule("gather", "scatter", "scatter_add", "scatter_reduce", "take_along_dim", "index_add", "index_copy", "index_fill")
def gather(call: Call) -> Type:
    """Along a dimension, by indices: each sample's own, or the same for all."""
    x, index = call.named["self"], call.named["index"]
    dim = normal(call.named["dim"], x.ndim)
    whole = call.entry.op._schema.name.removeprefix("aten::").rstrip("_").startswith("index_")
    others = [view for view in call.operands if view not in (x, index)]
    found = {rows for view in (x, *others) if (rows := call.rows(view)) is not None}
    if whole:
        if call.rows(index) is not None or len(found) != 1:
            return Kind.MIXED
    else:
        found |= {rows} if (rows := call.rows(index)) is not None else set()
    if len(found) != 1 or (rows := found.pop()).dim == dim:
        return Kind.MIXED
    along = rows.dim
    checked = (x, *others) if whole else (x, index, *others)
    ok = all(
        call.rows(view) is not None
        or call.type(view) is Kind.UNIFORM
        or (view.ndim > along and view.strides[along] == 0)
        for view in checked
    )
    return rows if ok else Kind.MIXED


@rule("index", "index_put", "_index_put_impl", "_unsafe_index", "_unsafe_index_put")
def index(call: Call) -> Type:
    """x[i, j]: constant indices beside the samples, each sample's own in a table, or row i's own in row i."""
    x, given = call.named["self"], list(call.named["indices"])
    places = [place for place, view in enumerate(given) if isinstance(view, View)]
    indices = [given[place] for place in places]
    if any(view.dtype.itemsize == 1 for view in indices):  # masks: how many they pick depends on what they hold
        return Kind.MIXED
    rows = call.rows(x)
    ndim = max(view.ndim for view in indices)
    numbered = [p for p in places if call.type(given[p]) is Kind.INDEX]
    if rows is not None and rows.inner == 1 and numbered == [rows.dim]:
        looked_up = _by_row_numbers(call, given, rows, indices, ndim)
    elif numbered or (rows is not None and rows.dim in places):
        return Kind.MIXED
    else:
        looked_up = aligned(call, indices, ndim)
    if looked_up is Kind.MIXED:
        return Kind.MIXED
    beside = places != list(range(places[0], places[-1] + 1))
    first = 0 if beside else places[0]
    if isinstance(looked_up, Rows):
        if rows is not None and numbered == []:
            return Kind.MIXED
        found = Rows(first + looked_up.dim, looked_up.inner)
    elif rows is not None:
        before = rows.dim - sum(place < rows.dim for place in places)
        found = Rows(before + ndim if beside or rows.dim > places[0] else before, rows.inner)
    else:
        return Kind.MIXED
    values = call.named.get("values")
    if values is None:
        return found
    return _put(call, x, values, found, rows)


def _by_row_numbers(call: Call, given: list[View | None], rows: Rows, indices: list[View], ndim: int) -> Type:
    """Row numbers pick the sample itself, so that the others may be each sample's own."""
    numbers = given[rows.dim]
    assert numbers is not None
    counted = [dim for dim, size in enumerate(numbers.sizes) if size > 1]
    if len(counted) != 1:
        return Kind.MIXED
    place = Rows(counted[0] - numbers.ndim, 1)
    for view in indices:
        if view == numbers:
            continue
        mine = call.rows(view)
        if mine is not None and (mine.dim - view.ndim, mine.inner) != place:
            return Kind.MIXED
        dim = view.ndim + place.dim
        if mine is None and not (dim < 0 or view.sizes[dim] == 1 or view.strides[dim] == 0):
            return Kind.MIXED
    return Rows(ndim + place.dim, 1)


def _put(call: Call, x: View, values: View, found: Rows, rows: Rows | None) -> Type:
    """Values are broadcast to the shape of what is looked up; what they are put into counts samples as before."""
    mine = call.rows(values)
    if rows is None:
        return Kind.MIXED
    if mine is None:
        ok = call.type(values) is Kind.UNIFORM or values.numel == 1
    else:
        picked = x.ndim - sum(isinstance(view, View) for view in call.named["indices"])
        picked += max(view.ndim for view in call.named["indices"] if isinstance(view, View))
        ok = (mine.dim - values.ndim, mine.inner) == (found.dim - picked, found.inner)
    return rows if ok else Kind.MIXED
