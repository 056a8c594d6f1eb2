package dashboards

import (
	"slices"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/heatmap"
	"github.com/grafana/grafana-foundation-sdk/go/histogram"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/grafana/grafana-foundation-sdk/go/trend"
	"github.com/grafana/grafana-foundation-sdk/go/xychart"

	"tidegauge/dashboards/catalogue"
)

// options are how Grafana draws the panel; all of them hold for 12 and 13.
func (p Panel) options() any {
	legend := common.VizLegendOptions{DisplayMode: common.LegendDisplayModeList, Placement: common.LegendPlacementBottom, ShowLegend: true, Calcs: []string{}}
	tooltip := common.VizTooltipOptions{Mode: common.TooltipDisplayModeMulti, Sort: common.SortOrderDescending}
	switch p.Visual {
	case Stat:
		o := stat.NewOptions()
		o.ReduceOptions.Calcs = []string{"lastNotNull"}
		o.GraphMode = common.BigValueGraphModeArea
		if !p.overTime() {
			o.GraphMode = common.BigValueGraphModeNone
		}
		o.Orientation = common.VizOrientationAuto
		if len(p.Steps) == 0 {
			o.ColorMode = common.BigValueColorModeNone
		}
		return o
	case Lines:
		o := timeseries.NewOptions()
		o.Legend, o.Tooltip = legend, tooltip
		return o
	case Curve:
		o := trend.NewOptions()
		o.Legend, o.Tooltip = legend, tooltip
		return o
	case Histogram:
		o := histogram.NewOptions()
		o.Legend, o.Tooltip = legend, tooltip
		return o
	case Points:
		return p.points(legend)
	case Grid:
		o := heatmap.NewOptions()
		o.Color.Mode, o.Color.Scheme = new(heatmap.HeatmapColorModeScheme), "Turbo"
		o.ShowValue = common.VisibilityModeNever
		o.Tooltip.Mode = common.TooltipDisplayModeSingle
		o.YAxis.AxisPlacement = new(common.AxisPlacementLeft)
		if p.Unit != "" {
			o.YAxis.Unit = new(p.Unit)
		}
		o.CellValues = &heatmap.CellValues{Unit: new("short")} // cells are counts
		return o
	case Rows:
		o := table.NewOptions()
		o.Footer.Reducer = []string{}
		o.Footer.EnablePagination = new(true)
		if p.Sort != "" {
			o.SortBy = []common.TableSortByFieldState{{DisplayName: p.Sort, Desc: new(true)}}
		}
		return o
	}
	return nil
}

// overTime says whether the panel's numbers have a course over time, for a sparkline behind them.
func (p Panel) overTime() bool {
	return slices.ContainsFunc(p.Targets, func(t Target) bool {
		m, _ := find(t.Metric)
		return m.Time != "" && t.Step != "0" || t.PromQL != ""
	})
}

func (p Panel) points(legend common.VizLegendOptions) *xychart.Options {
	o := xychart.NewOptions()
	o.Mapping = xychart.SeriesMappingManual
	o.Legend = legend
	o.Tooltip = common.VizTooltipOptions{Mode: common.TooltipDisplayModeSingle, Sort: common.SortOrderNone}
	for _, y := range p.Y {
		named := func(title string) xychart.MatcherConfig { return xychart.MatcherConfig{Id: "byName", Options: title} }
		series := xychart.XYSeriesConfig{
			Name:  &xychart.XychartXYSeriesConfigName{Fixed: new(y)},
			Frame: &xychart.XychartXYSeriesConfigFrame{Matcher: xychart.MatcherConfig{Id: "byIndex", Options: 0}},
			X:     &xychart.XychartXYSeriesConfigX{Matcher: named(p.X)},
			Y:     &xychart.XychartXYSeriesConfigY{Matcher: named(y)},
		}
		if p.Size != "" {
			series.Size = &xychart.XychartXYSeriesConfigSize{Matcher: named(p.Size)}
			series.Color = &xychart.XychartXYSeriesConfigColor{Matcher: named(p.Size)}
		}
		o.Series = append(o.Series, series)
	}
	return o
}

// custom are the settings of a panel's lines, bars or points.
func (p Panel) custom() any {
	scale := func(log bool) *common.ScaleDistributionConfig {
		if !log {
			return nil
		}
		return &common.ScaleDistributionConfig{Type: common.ScaleDistributionLog, Log: new(10.0)}
	}
	switch p.Visual {
	case Lines, Curve:
		c := &common.GraphFieldConfig{DrawStyle: new(common.GraphDrawStyleLine), LineWidth: new(1.0), FillOpacity: new(8.0),
			ShowPoints: new(common.VisibilityModeAuto), PointSize: new(4.0), SpanNulls: &common.BoolOrFloat64{Bool: new(false)},
			AxisLabel: new(""), ScaleDistribution: scale(p.LogY)}
		if p.Visual == Curve {
			c.ShowPoints = new(common.VisibilityModeNever)
		}
		if p.Stacked {
			c.Stacking = &common.StackingConfig{Mode: new(common.StackingModeNormal), Group: new("A")}
			c.FillOpacity = new(60.0)
			c.LineWidth = new(0.0)
		}
		if len(p.Steps) > 0 {
			c.ThresholdsStyle = &common.GraphThresholdsStyleConfig{Mode: common.GraphThresholdsStyleModeDashed}
		}
		return c
	case Points:
		return &xychart.FieldConfig{Show: new(xychart.XYShowModePoints), PointSize: &xychart.XychartFieldConfigPointSize{Fixed: new(int32(5))},
			FillOpacity: new(uint32(50)), PointShape: new(xychart.PointShapeCircle)}
	case Histogram:
		return &histogram.FieldConfig{LineWidth: new(uint32(1)), FillOpacity: new(uint32(70))}
	}
	return nil
}

func find(id string) (catalogue.Metric, bool) {
	if id == "" {
		return catalogue.Metric{}, false
	}
	return catalogue.Find(id)
}

// grouped says that a metric's rows are of several things, which a column names.
func grouped(m catalogue.Metric) bool {
	return slices.ContainsFunc(m.Columns, func(c catalogue.Column) bool { return c.Group })
}
