"""helm and kube-score, built from their Go modules: what renders deploy/chart and looks it over."""
